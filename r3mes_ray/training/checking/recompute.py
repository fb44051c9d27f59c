"""A round from chain and content alone: what anyone can make of it who was not its proposer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from r3mes_ray.chain.records import UpdateRecord
from r3mes_ray.errors import ContentNotFound, TooFewUpdates
from r3mes_ray.models.adapters import AdapterPackage, AggregateOrigin
from r3mes_ray.settings import Settings
from r3mes_ray.training.aggregation import Aggregate, aggregate_updates
from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.gate.held_out import LOSS
from r3mes_ray.training.gate.update import MISSING, FetchJob, excluded, fetch_update
from r3mes_ray.training.gate.validation import Demand, faults_of_effects
from r3mes_ray.training.geometry import Geometry, geometry_of
from r3mes_ray.training.gram import gram_of_steps, part_of
from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.stored import BaseWeights, StoredAdapter, Versions
from r3mes_ray.training.threads import in_threads, threaded_layers
from r3mes_ray.types import UpdateId

RECORDED = (MISSING, LOSS)
"""Exclusions that are taken from the published manifest: another node may fetch what one could not, and a loss
depends on the machine."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The updates of a round as this node judges them, and its own aggregate.

    Attributes:
        on_trust: updates that are left out on the proposer's word alone.
        geometry: how those that could be compared lie to each other.
    """

    accepted: tuple[UpdateId, ...]
    excluded: tuple[Excluded, ...]
    adapters: tuple[StoredAdapter, ...]
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
    """Fetch and judge every update of the round, and aggregate; blocking, one update after the other.

    Raises:
        TooFewUpdates: fewer valid updates than the round's rule needs.
        ContentNotFound: an update that the proposer had is not to be had here, so there is no verdict.
        ContentUnavailable: a store cannot be asked.
    """
    scores = {entry.update_id: entry for entry in recorded if entry.rule == LOSS}
    unseen = [entry for entry in recorded if entry.rule != LOSS]
    refused = {entry.update_id: entry for entry in [*unseen, *plan.excluded]}
    work = threaded_layers(base.linear_shapes)
    kept = _judged(settings, base, plan, refused, folder, work)
    ids = [update_id for update_id, _ in kept]
    gram = gram_of_steps(base, [adapter for _, adapter in kept], versions.start, work=work)
    refused |= _copies(ids, gram)
    # The losses come last, as they did for the proposer: a copy stays one where its original was refused for its loss.
    refused |= {update_id: entry for update_id, entry in scores.items() if update_id not in refused}
    accepted = [(update_id, adapter) for update_id, adapter in kept if update_id not in refused]
    needed = max(1, plan.parameters.min_updates)
    if len(accepted) < needed:
        raise TooFewUpdates(plan.record.round_id, len(accepted), needed)
    adapters = tuple(adapter for _, adapter in accepted)
    accepted_ids = tuple(update_id for update_id, _ in accepted)
    weights = [plan.weight(update_id) for update_id in accepted_ids]
    aggregate = aggregate_updates(
        base, plan, adapters, versions, weights=weights, gram=part_of(gram, ids, accepted_ids), work=work
    )
    shares = dict(zip(accepted_ids, aggregate.decision.coefficients, strict=True))
    return Recomputed(
        accepted=accepted_ids,
        excluded=tuple(sorted(refused.values(), key=lambda entry: entry.update_id)),
        adapters=adapters,
        versions=versions,
        aggregate=aggregate,
        on_trust=_on_trust(plan, recorded, refused),
        geometry=geometry_of(ids, gram, shares),
    )


def _on_trust(
    plan: RoundPlan, recorded: Sequence[Excluded], refused: Mapping[UpdateId, Excluded]
) -> tuple[UpdateId, ...]:
    known = {entry.update_id for entry in plan.excluded}
    said = (entry.update_id for entry in recorded if refused[entry.update_id] == entry)
    return tuple(sorted(update_id for update_id in said if update_id not in known))


def _judged(
    settings: Settings,
    base: BaseWeights,
    plan: RoundPlan,
    refused: dict[UpdateId, Excluded],
    folder: Path,
    work: LayerWork,
) -> list[tuple[UpdateId, StoredAdapter]]:
    """The updates that are valid each by itself; the others are added to `refused`."""
    limit = plan.parameters.update_limit
    demand = Demand(plan.record, base.base_id, base.base_hash, base.linear_shapes, max_bytes=limit)
    fetched: dict[UpdateId, StoredAdapter] = {}
    wanted = [update for update in plan.considered if update.update_id not in refused]

    def fetch(update: UpdateRecord) -> StoredAdapter | Excluded:
        parent = folder / str(update.update_id)
        parent.mkdir(parents=True)
        return fetch_update(FetchJob(settings, update, demand), parent)

    workers = min(settings.training.fetch_concurrency, torch.get_num_threads())
    for update, verdict in zip(wanted, in_threads(fetch, wanted, workers), strict=True):
        if isinstance(verdict, StoredAdapter):
            fetched[update.update_id] = verdict
        elif verdict.rule == MISSING:
            raise ContentNotFound(update.cid)
        else:
            refused[update.update_id] = verdict
    faults = faults_of_effects(list(fetched.values()), base, work)
    refused |= {update: excluded(update, fault) for update, fault in zip(fetched, faults, strict=True) if fault}
    return [(update_id, adapter) for update_id, adapter in fetched.items() if update_id not in refused]


def _copies(ids: Sequence[UpdateId], gram: Tensor) -> dict[UpdateId, Excluded]:
    found = find_copies(gram, [f"update {update_id}" for update_id in ids])
    return {ids[copy.index]: Excluded(ids[copy.index], copy.rule, copy.detail) for copy in found}
