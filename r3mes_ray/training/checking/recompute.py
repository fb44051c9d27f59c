"""A round from chain and content alone: what anyone can make of it who was not its proposer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from r3mes_ray.chain.records import UpdateRecord
from r3mes_ray.errors import ContentNotFound
from r3mes_ray.models.adapters import AdapterPackage, AggregateOrigin
from r3mes_ray.settings import Settings
from r3mes_ray.training.aggregation import Aggregate
from r3mes_ray.training.gate.admission import Admission, Verdicts, admit, aggregate_admitted, valid, with_effects
from r3mes_ray.training.gate.held_out import LOSS
from r3mes_ray.training.gate.update import MISSING, FetchJob, fetch_update
from r3mes_ray.training.gate.validation import Demand
from r3mes_ray.training.geometry import Geometry
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import Adapter, BaseWeights, StoredAdapter, Versions
from r3mes_ray.training.threads import in_threads, threaded_layers
from r3mes_ray.types import UpdateId

RECORDED = (MISSING, LOSS)
"""Exclusions that are taken from the published manifest: another node may fetch what one could not, and a loss
depends on the machine."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The updates of a round as this node judges them, and its own aggregate.

    Attributes:
        adapters: the accepted ones.
        on_trust: updates that are left out on the proposer's word alone.
        geometry: how those that could be compared lie to each other.
    """

    admission: Admission
    adapters: tuple[Adapter, ...]
    versions: Versions
    aggregate: Aggregate
    on_trust: tuple[UpdateId, ...]
    geometry: Geometry


def recorded_exclusions(published: AdapterPackage) -> tuple[Excluded, ...]:
    """What a proposer could not get, by its own word."""
    origin = published.manifest.origin
    if not isinstance(origin, AggregateOrigin):
        return ()
    return tuple(Excluded(entry.id, entry.rule, entry.reason) for entry in origin.excluded if entry.rule in RECORDED)


def recompute(
    settings: Settings,
    base: BaseWeights,
    plan: RoundPlan,
    versions: Versions,
    recorded: Sequence[Excluded],
    folder: Path,
) -> Recomputed:
    """Fetch and judge every update of the round, and aggregate; blocking, some updates and layers at a time.

    Raises:
        TooFewUpdates: fewer valid updates than the round's rule needs.
        ContentNotFound: an update that the proposer had is not to be had here, so there is no verdict.
        ContentUnavailable: a store cannot be asked.
    """
    work = threaded_layers(base.linear_shapes)
    verdicts = with_effects(fetch_verdicts(settings, base, plan, recorded, folder), base, work)
    steps = compare_steps(base, list(valid(verdicts).values()), versions.start, work=work)
    admission = admit(plan, verdicts, steps, versions.history, [entry for entry in recorded if entry.rule == LOSS])
    aggregate, geometry = aggregate_admitted(base, plan, verdicts, admission, versions, work)
    adapters = valid(verdicts)
    return Recomputed(
        admission=admission,
        adapters=tuple(adapters[update_id] for update_id in admission.accepted),
        versions=versions,
        aggregate=aggregate,
        on_trust=_on_trust(plan, recorded, admission),
        geometry=geometry,
    )


def _on_trust(plan: RoundPlan, recorded: Sequence[Excluded], admission: Admission) -> tuple[UpdateId, ...]:
    known = {entry.update_id for entry in plan.excluded}
    said = {entry.update_id for entry in recorded if entry in admission.excluded}
    return tuple(sorted(said - known))


def fetch_verdicts(
    settings: Settings, base: BaseWeights, plan: RoundPlan, recorded: Sequence[Excluded], folder: Path
) -> Verdicts:
    """On the bytes of each considered update by itself; what the proposer could not get is not asked for.

    Raises:
        ContentNotFound, ContentUnavailable: as `recompute` says.
    """
    limit = plan.parameters.update_limit
    demand = Demand(plan.record, base.base_id, base.base_hash, base.linear_shapes, max_bytes=limit)
    unseen = {entry.update_id: entry for entry in recorded if entry.rule == MISSING}

    def judge(update: UpdateRecord) -> StoredAdapter | Excluded:
        if update.update_id in unseen:
            return unseen[update.update_id]
        parent = folder / str(update.update_id)
        parent.mkdir(parents=True)
        verdict = fetch_update(FetchJob(settings, update, demand), parent)
        if isinstance(verdict, Excluded) and verdict.rule == MISSING:
            raise ContentNotFound(update.cid)
        return verdict

    workers = min(settings.training.fetch_concurrency, torch.get_num_threads())
    found = in_threads(judge, plan.considered, workers)
    return {update.update_id: verdict for update, verdict in zip(plan.considered, found, strict=True)}
