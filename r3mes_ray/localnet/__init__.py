"""The embedded chain: a deterministic state machine, a durable store, and the servers that clients of Cosmos expect.

A transition (`ante`, `handlers`, `rounds`, joined in `machine`) is a pure function of the state and the block: no
clock, network, float or randomness. `node` adds mempool and store, `producer` the clock, `server` the network.
"""
