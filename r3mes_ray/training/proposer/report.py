"""What a proposer's work on a round came to."""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.training.ports import StepName
from r3mes_ray.training.records import Excluded, Outcome, Progress
from r3mes_ray.types import Cid, RoundId, UpdateId


@dataclass(frozen=True, slots=True)
class RoundTransaction:
    """One transaction of a round; `tx_hash` is empty where only its effect was found on chain."""

    step: str
    tx_hash: str
    height: int


@dataclass(frozen=True, slots=True)
class StepSeconds:
    """How long a step of this run took."""

    step: StepName
    seconds: float


@dataclass(frozen=True, slots=True)
class RoundReport:
    """The result of a round: `outcome` is None while it is under way.

    Attributes:
        version: the version that the round made; None when it made none (yet).
        discarded_energy: share of the weighted sum's squared norm that the target rank left out.
        reason: why it ended, where it did not end well.
    """

    round_id: RoundId
    expert: str
    outcome: Outcome | None
    reason: str
    version: int | None
    cid: Cid | None
    merkle_root: str
    accepted: tuple[UpdateId, ...]
    excluded: tuple[Excluded, ...]
    discarded_energy: float
    transactions: tuple[RoundTransaction, ...]
    seconds: tuple[StepSeconds, ...] = ()


def report_of(round_id: RoundId, expert: str, progress: Progress, seconds: tuple[StepSeconds, ...] = ()) -> RoundReport:
    """Read a report out of a round's journal."""
    aggregated, ended = progress.aggregated, progress.ended
    settled = (("commit", progress.committed), ("reveal", progress.revealed), ("submit", progress.finalized))
    return RoundReport(
        round_id=round_id,
        expert=expert,
        outcome=ended.outcome if ended else None,
        reason=ended.reason if ended else "",
        version=progress.finalized.version if progress.finalized else None,
        cid=aggregated.cid if aggregated else None,
        merkle_root=aggregated.merkle_root if aggregated else "",
        accepted=aggregated.accepted if aggregated else (),
        excluded=aggregated.excluded if aggregated else (),
        discarded_energy=aggregated.discarded_energy if aggregated else 0.0,
        transactions=tuple(
            RoundTransaction(step, record.tx_hash, record.height) for step, record in settled if record is not None
        ),
        seconds=seconds,
    )
