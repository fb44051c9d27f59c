"""Blocks as records, and how one follows from the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r3mes_ray.chain.base import Event
from r3mes_ray.localnet.context import Identity
from r3mes_ray.localnet.genesis import Genesis, canonical
from r3mes_ray.localnet.hashing import app_hash, block_hash, data_hash, full_sum, next_sum, results_hash
from r3mes_ray.localnet.machine import TxOutcome, execute_block, genesis_state, identity_of, time_ns_of
from r3mes_ray.localnet.state import State
from r3mes_ray.protocol.framing import lp


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header: `app_hash` and `results_hash` are those after its own transactions."""

    height: int
    time_ns: int
    parent_hash: bytes
    data_hash: bytes
    results_hash: bytes
    app_hash: bytes
    state_sum: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Executed:
    """A block with everything that the store keeps of it."""

    block: Block
    txs: tuple[bytes, ...]
    outcomes: tuple[TxOutcome, ...]
    events: tuple[Event, ...]
    writes: dict[bytes, bytes | None]


def genesis_block(genesis: Genesis) -> Executed:
    """Block 0, which has no transactions and makes the first state."""
    writes = genesis_state(genesis)
    entries = ((key, value) for key, value in writes.items() if value is not None)
    total = full_sum(entries)
    app = app_hash(lp(canonical(genesis)), total, writes)
    return _executed(identity_of(genesis), 0, time_ns_of(genesis), b"", total, app, (), (), (), writes)


def next_block(chain: Identity, parent: Block, state: State, time_ns: int, txs: Sequence[bytes]) -> Executed:
    """Execute transactions on the state after `parent`; time never goes back."""
    height, time_ns = parent.height + 1, max(time_ns, parent.time_ns + 1)
    outcome = execute_block(chain, state, height, time_ns, txs)
    total = next_sum(parent.state_sum, state, outcome.writes)
    app = app_hash(parent.app_hash, total, outcome.writes)
    return _executed(
        chain, height, time_ns, parent.block_hash, total, app, txs, outcome.outcomes, outcome.events, outcome.writes
    )


def hash_of(chain: Identity, block: Block) -> bytes:
    """The hash that a block's other fields give."""
    return block_hash(
        chain.chain_id,
        block.height,
        block.time_ns,
        block.parent_hash,
        block.data_hash,
        block.results_hash,
        block.app_hash,
    )


def _executed(
    chain: Identity,
    height: int,
    time_ns: int,
    parent: bytes,
    total: int,
    app: bytes,
    txs: Sequence[bytes],
    outcomes: Sequence[TxOutcome],
    events: Sequence[Event],
    writes: dict[bytes, bytes | None],
) -> Executed:
    data, results = data_hash(txs), results_hash(outcomes)
    hashed = block_hash(chain.chain_id, height, time_ns, parent, data, results, app)
    block = Block(height, time_ns, parent, data, results, app, total, hashed)
    return Executed(block, tuple(txs), tuple(outcomes), tuple(events), writes)
