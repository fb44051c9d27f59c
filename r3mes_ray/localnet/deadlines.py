"""What the end of a block does, whoever sends what: the deadlines that fall on it."""

from __future__ import annotations

from r3mes_ray.localnet import challenges, datasets, governance, inference, rounds, stakes
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.migrations import NEWEST, version_of
from r3mes_ray.localnet.records import (
    CHALLENGE_DUE,
    INFERENCE_DUE,
    LIVE_DATASETS,
    LIVE_PROPOSALS,
    LIVE_ROUNDS,
    SLASH_DUE,
    UNBONDING_DUE,
)
from r3mes_ray.localnet.state import State

_WAITING = (LIVE_ROUNDS, CHALLENGE_DUE, INFERENCE_DUE, SLASH_DUE, UNBONDING_DUE, LIVE_PROPOSALS, LIVE_DATASETS)


def has_deadlines(state: State) -> bool:
    """Whether blocks must go on: a deadline is pending, or the state is an older program's."""
    return version_of(state) < NEWEST or any(True for table in _WAITING for _ in table.items(state))


def end_block(ctx: Context, execute: governance.Execute) -> None:
    """Let the deadlines that fall on this block take effect, verdicts before the rounds that wait for them."""
    challenges.end_block(ctx)
    rounds.end_block(ctx)
    inference.end_block(ctx)
    governance.end_block(ctx, execute)
    datasets.end_block(ctx)
    stakes.end_block(ctx)
