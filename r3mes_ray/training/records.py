"""What a proposer's journal holds: one record for each durable step of a round, and the state that they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from r3mes_ray.types import Address, Cid, RoundId, TxHash, UpdateId

Step = Literal["commit", "reveal", "submit"]
"""The transactions of a round."""

Outcome = Literal["finalized", "superseded", "forfeited", "failed"]
"""How a round ended for this proposer."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """An update that does not enter the aggregate: the `rule` that it breaks, and what was seen."""

    update_id: UpdateId
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Began:
    """Work on a round began; `opened_height` tells it from a round of the same number on a reset chain."""

    chain_id: str
    round_id: RoundId
    expert: str
    proposer: Address
    opened_height: int
    kind: Literal["began"] = "began"


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The package is in the workspace, complete and synced; `submitted` is the chain's whole list of ids."""

    cid: Cid
    merkle_root: str
    model_version: str
    submitted: tuple[UpdateId, ...]
    accepted: tuple[UpdateId, ...]
    excluded: tuple[Excluded, ...]
    discarded_energy: float
    kind: Literal["aggregated"] = "aggregated"


@dataclass(frozen=True, slots=True)
class Published:
    """The package is pinned in the content store and was read back."""

    cid: Cid
    kind: Literal["published"] = "published"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The salt and the commitment made with it. There is one in a journal, ever."""

    salt: str
    commitment: str
    kind: Literal["prepared"] = "prepared"


@dataclass(frozen=True, slots=True)
class TxSigned:
    """A transaction's bytes (hex), written before they are sent: only these may be sent again."""

    step: Step
    raw: str
    tx_hash: TxHash
    sequence: int
    timeout_height: int
    kind: Literal["tx_signed"] = "tx_signed"


@dataclass(frozen=True, slots=True)
class TxDropped:
    """The signed bytes of a step can be in no block any more: refused by the chain, or past their timeout height."""

    step: Step
    tx_hash: TxHash
    reason: str
    kind: Literal["tx_dropped"] = "tx_dropped"


@dataclass(frozen=True, slots=True)
class Committed:
    """The commitment is on chain; `tx_hash` is empty where only its record was found."""

    commitment_id: int
    height: int
    tx_hash: str
    kind: Literal["committed"] = "committed"


@dataclass(frozen=True, slots=True)
class Revealed:
    """The reveal is on chain."""

    aggregation_id: int
    height: int
    tx_hash: str
    kind: Literal["revealed"] = "revealed"


@dataclass(frozen=True, slots=True)
class Finalized:
    """The aggregate is the expert's version; `tx_hash` is empty where the chain finalised by itself."""

    version: int
    height: int
    tx_hash: str
    kind: Literal["finalized"] = "finalized"


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing is left to do in this round."""

    outcome: Outcome
    reason: str
    kind: Literal["ended"] = "ended"


Record = Annotated[
    Began | Aggregated | Published | Prepared | TxSigned | TxDropped | Committed | Revealed | Finalized | Ended,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a journal's records add up to; `signed` are transactions that may still be sent, by step."""

    began: Began | None = None
    aggregated: Aggregated | None = None
    published: Published | None = None
    prepared: Prepared | None = None
    committed: Committed | None = None
    revealed: Revealed | None = None
    finalized: Finalized | None = None
    ended: Ended | None = None
    signed: tuple[TxSigned, ...] = ()

    def pending(self, step: Step) -> TxSigned | None:
        """The signed transaction of a step whose outcome is open."""
        return next((tx for tx in self.signed if tx.step == step), None)


def advance(progress: Progress, record: Record) -> Progress:
    """Add one record.

    Raises:
        ValueError: a second salt, or an aggregate that changes after its commitment was prepared.
    """
    match record:
        case Began():
            return replace(progress, began=record)
        case Aggregated() if progress.prepared is None:
            return replace(progress, aggregated=record, published=None)
        case Published():
            return replace(progress, published=record)
        case Prepared() if progress.prepared is None:
            return replace(progress, prepared=record)
        case TxSigned(step=step):
            return replace(progress, signed=(*_without(progress, step), record))
        case TxDropped(step=step):
            return replace(progress, signed=_without(progress, step))
        case Committed():
            return replace(progress, committed=record, signed=_without(progress, "commit"))
        case Revealed():
            return replace(progress, revealed=record, signed=_without(progress, "reveal"))
        case Finalized():
            return replace(progress, finalized=record, signed=_without(progress, "submit"))
        case Ended():
            return replace(progress, ended=record)
    raise ValueError(f"a record {record.kind} after the commitment was prepared: salt and aggregate are final")


def progress_of(records: Iterable[Record]) -> Progress:
    """What records add up to, in their order. Raises ValueError as `advance` does."""
    progress = Progress()
    for record in records:
        progress = advance(progress, record)
    return progress


def _without(progress: Progress, step: Step) -> tuple[TxSigned, ...]:
    return tuple(tx for tx in progress.signed if tx.step != step)
