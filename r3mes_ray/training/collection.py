"""Steps 2 and 3 of a round: every considered update becomes an adapter on this disk, or a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from r3mes_ray.chain.records import UpdateRecord
from r3mes_ray.errors import PackageRejected
from r3mes_ray.training.context import RoundContext
from r3mes_ray.training.ports import Lost, ParallelMap, serial_map
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.stored import BaseWeights, StoredAdapter
from r3mes_ray.training.update import MISSING, Fetched, FetchJob, excluded, fetch_update
from r3mes_ray.training.validation import Demand, check_effect
from r3mes_ray.training.workspace import Workspace, write_folder
from r3mes_ray.types import UpdateId

RETRY_S = 1.0
"""Pause before missing content is asked for again."""


@dataclass(frozen=True, slots=True)
class AcceptedUpdate:
    """A valid update: the chain's record, and its adapter on this disk."""

    record: UpdateRecord
    adapter: StoredAdapter


@dataclass(frozen=True, slots=True)
class Collected:
    """Every update of a round, accepted or excluded, by ascending id."""

    accepted: tuple[AcceptedUpdate, ...]
    excluded: tuple[Excluded, ...]


async def collect(context: RoundContext, plan: RoundPlan, base: BaseWeights) -> Collected:
    """Fetch and judge all considered updates; content that is missing is asked for until half the commit phase is over.

    The cluster's workers fetch first; what they cannot find is then looked for from this process, whose store may have
    what theirs do not.
    """
    record, settings = plan.record, context.ports.settings
    demand = Demand(
        record, base.base_id, base.base_hash, base.linear_shapes, max_bytes=settings.training.max_update_bytes
    )
    jobs = [FetchJob(settings, update, demand) for update in plan.considered]
    with context.step("fetch"):
        verdicts = await _fetch_all(context, context.ports.parallel, jobs)
        last_try = (record.submit_end + record.commit_end) // 2
        while missing := [job for job in jobs if _is_missing(verdicts[job.record.update_id])]:
            context.tell("fetch", f"{len(missing)} updates are not to be had yet")
            verdicts |= await _fetch_all(context, serial_map, missing)
            if (await context.settlement.status()).height >= last_try:
                break
            await context.ports.clock.sleep(RETRY_S)
    with context.step("verify"):
        verdicts = await asyncio.to_thread(_check_effects, verdicts, base)
        collected = _sorted(plan, verdicts)
        for entry in collected.excluded:
            context.tell("verify", f"update {entry.update_id} rejected: rule {entry.rule}: {entry.detail}")
        context.tell("verify", f"{len(collected.accepted)} accepted, {len(collected.excluded)} rejected")
    return collected


async def _fetch_all(
    context: RoundContext, parallel: ParallelMap, jobs: Sequence[FetchJob]
) -> dict[UpdateId, StoredAdapter | Excluded]:
    return await asyncio.to_thread(_drain, context, parallel, jobs)


def _drain(
    context: RoundContext, parallel: ParallelMap, jobs: Sequence[FetchJob]
) -> dict[UpdateId, StoredAdapter | Excluded]:
    verdicts: dict[UpdateId, StoredAdapter | Excluded] = {}
    for index, result in parallel(fetch_update, jobs, lambda job: f"fetch update {job.record.update_id}"):
        update_id = jobs[index].record.update_id
        match result:
            case Fetched():
                verdicts[update_id] = _store(context.workspace, result)
            case Excluded():
                verdicts[update_id] = result
            case Lost(reason):
                verdicts[update_id] = Excluded(update_id, MISSING, reason)
        context.tell("fetch", f"{len(verdicts)} of {len(jobs)}")
    return verdicts


def _store(workspace: Workspace, fetched: Fetched) -> StoredAdapter:
    folder = workspace.update(fetched.update_id)
    write_folder(folder, fetched.files)
    return StoredAdapter(folder, fetched.dora, fetched.layers)


def _is_missing(verdict: StoredAdapter | Excluded) -> bool:
    return isinstance(verdict, Excluded) and verdict.rule == MISSING


def _check_effects(
    verdicts: dict[UpdateId, StoredAdapter | Excluded], base: BaseWeights
) -> dict[UpdateId, StoredAdapter | Excluded]:
    judged = dict(verdicts)
    for update_id, verdict in verdicts.items():
        if isinstance(verdict, StoredAdapter):
            try:
                check_effect(verdict, base)
            except PackageRejected as error:
                judged[update_id] = excluded(update_id, error)
    return judged


def _sorted(plan: RoundPlan, verdicts: dict[UpdateId, StoredAdapter | Excluded]) -> Collected:
    accepted, refused = [], list(plan.excluded)
    for update in plan.considered:
        verdict = verdicts[update.update_id]
        if isinstance(verdict, Excluded):
            refused.append(verdict)
        else:
            accepted.append(AcceptedUpdate(update, verdict))
    return Collected(tuple(accepted), tuple(sorted(refused, key=lambda entry: entry.update_id)))
