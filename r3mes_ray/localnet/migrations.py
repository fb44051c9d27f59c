"""From one version of the state's format to the next: the first thing in the first block of a newer program.

A chain begins at version 1. A migration is a transition like any other: its writes are in the block's app hash.
"""

from __future__ import annotations

from collections.abc import Callable

from r3mes_ray.localnet import reputation
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.genesis import PARAMETERS_KEY, canonical
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.localnet.records import MINERS, NONCE_HEADS, NONCES, VERSION
from r3mes_ray.localnet.state import State

_ACCOUNT_BYTES = 20


def version_of(state: State) -> int:
    """The version of a state's format."""
    return VERSION.get(state) or 1


def migrate(ctx: Context) -> None:
    """Bring the state to the newest version."""
    for version in range(version_of(ctx.state), NEWEST):
        _STEPS[version](ctx)
        VERSION.put(ctx.state, version + 1)
        ctx.emit("migrated", version=version + 1)


def _to_2(ctx: Context) -> None:
    """Write all parameters down, give miners a trust score and a nonce window from what they used."""
    held = Parameters.model_validate(ctx.parameters.model_dump())
    ctx.state.put(PARAMETERS_KEY, canonical(held))
    for owner, counters in list(MINERS.items(ctx.state)):
        reputation.complete(counters)
        MINERS.put(ctx.state, counters, owner)
    for key, _ in list(NONCES.items(ctx.state)):
        owner, nonce = key[:_ACCOUNT_BYTES], int.from_bytes(key[_ACCOUNT_BYTES:], "big")
        NONCE_HEADS.put(ctx.state, max(nonce, NONCE_HEADS.get(ctx.state, owner) or 0), owner)


_STEPS: dict[int, Callable[[Context], None]] = {1: _to_2}
NEWEST = max(_STEPS) + 1
