"""A round from chain and content alone: what anyone can make of it who was not its proposer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.content.base import ContentStore, Limits
from r3mes_ray.errors import PackageRejected, TooFewUpdates
from r3mes_ray.models.adapters import AdapterPackage, AggregateOrigin, read_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.aggregation import Aggregate, aggregate_updates
from r3mes_ray.training.copies import find_copies
from r3mes_ray.training.gram import gram_of_steps
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.stored import BaseWeights, StoredAdapter, layers_of
from r3mes_ray.training.update import MISSING, FetchJob, excluded, fetch_update
from r3mes_ray.training.validation import Demand, check_effect
from r3mes_ray.training.workspace import write_folder
from r3mes_ray.types import Cid, UpdateId

RECORDED = (MISSING, "limit")
"""Exclusions that are taken from the published manifest: what one node could not fetch, another may."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The updates of a round as this node judges them, and its own aggregate."""

    accepted: tuple[UpdateId, ...]
    excluded: tuple[Excluded, ...]
    adapters: tuple[StoredAdapter, ...]
    start: StoredAdapter | None
    aggregate: Aggregate


async def fetch_package(store: ContentStore, cid: Cid, folder: Path, max_bytes: int) -> AdapterPackage:
    """Fetch a package into a new folder, and read it.

    Raises:
        ContentError: it is not to be had, or damaged.
        PackageRejected: it is no adapter package.
    """
    await store.get(cid, folder, Limits(max_bytes=max_bytes))
    return read_package(folder, max_bytes=max_bytes)


def stored(folder: Path, package: AdapterPackage) -> StoredAdapter:
    """A package that was read from a folder."""
    return StoredAdapter(folder, package.config.use_dora, layers_of(package))


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
    start: StoredAdapter | None,
    recorded: Sequence[Excluded],
    folder: Path,
) -> Recomputed:
    """Fetch and judge every update of the round, and aggregate; blocking, one update after the other.

    Raises:
        TooFewUpdates: fewer valid updates than the round's rule needs.
        ContentUnavailable: a store cannot be asked.
    """
    limits = settings.training.max_update_bytes
    demand = Demand(plan.record, base.base_id, base.base_hash, base.linear_shapes, max_bytes=limits)
    refused = {entry.update_id: entry for entry in [*plan.excluded, *recorded]}
    kept: list[tuple[UpdateId, StoredAdapter]] = []
    for update in plan.considered:
        if update.update_id in refused:
            continue
        verdict = _judge(FetchJob(settings, update, demand), base, folder / str(update.update_id))
        if isinstance(verdict, Excluded):
            refused[update.update_id] = verdict
        else:
            kept.append((update.update_id, verdict))
    for index, entry in _copies(base, kept, start):
        refused[kept[index][0]] = entry
    accepted = [(update_id, adapter) for update_id, adapter in kept if update_id not in refused]
    needed = max(1, plan.parameters.min_updates)
    if len(accepted) < needed:
        raise TooFewUpdates(plan.record.round_id, len(accepted), needed)
    adapters = tuple(adapter for _, adapter in accepted)
    return Recomputed(
        accepted=tuple(update_id for update_id, _ in accepted),
        excluded=tuple(sorted(refused.values(), key=lambda entry: entry.update_id)),
        adapters=adapters,
        start=start,
        aggregate=aggregate_updates(base, plan, adapters, start),
    )


def _judge(job: FetchJob, base: BaseWeights, folder: Path) -> StoredAdapter | Excluded:
    fetched = fetch_update(job)
    if isinstance(fetched, Excluded):
        return fetched
    folder.mkdir(parents=True)
    write_folder(folder, fetched.files)
    adapter = StoredAdapter(folder, fetched.dora, fetched.layers)
    try:
        check_effect(adapter, base)
    except PackageRejected as error:
        return excluded(job.record.update_id, error)
    return adapter


def _copies(
    base: BaseWeights, kept: Sequence[tuple[UpdateId, StoredAdapter]], start: StoredAdapter | None
) -> list[tuple[int, Excluded]]:
    gram = gram_of_steps(base, [adapter for _, adapter in kept], start)
    found = find_copies(gram, [f"update {update_id}" for update_id, _ in kept])
    return [(copy.index, Excluded(kept[copy.index][0], copy.rule, copy.detail)) for copy in found]
