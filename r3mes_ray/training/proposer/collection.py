"""Steps 2 and 3 of a round: every considered update becomes an adapter in the cluster, or a reason."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.training.gate.admission import Verdicts, valid, with_effects
from r3mes_ray.training.gate.update import MISSING, Decoded, FetchJob, decode_update
from r3mes_ray.training.gate.validation import Demand
from r3mes_ray.training.objects import Held, Here, LocalObjects, ObjectStore
from r3mes_ray.training.ports import Lost
from r3mes_ray.training.proposer.context import RoundContext
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.stored import BaseWeights, HeldAdapter
from r3mes_ray.types import UpdateId

RETRY_S = 1.0
"""Pause before missing content is asked for again."""


async def collect(context: RoundContext, plan: RoundPlan, base: BaseWeights) -> Verdicts:
    """Fetch and judge all considered updates; content that is missing is asked for until half the commit phase is over.

    The cluster's workers fetch first; what they cannot find is then looked for from this process, whose store may have
    what theirs do not.
    """
    record, settings = plan.record, context.ports.settings
    demand = Demand(record, base.base_id, base.base_hash, base.linear_shapes, max_bytes=plan.parameters.update_limit)
    jobs = [FetchJob(settings, update, demand) for update in plan.considered]
    with context.step("fetch"):
        objects = context.ports.layers.objects
        last_try = (record.submit_end + record.commit_end) // 2
        verdicts = await _fetch_until(context, objects, jobs, last_try)
        while missing := [job for job in jobs if _is_missing(verdicts[job.record.update_id])]:
            context.tell("fetch", f"{len(missing)} updates are not to be had yet")
            verdicts |= await _fetch_until(context, LocalObjects(), missing, last_try)
            if (await context.settlement.status()).height >= last_try:
                break
            await context.ports.clock.sleep(RETRY_S)
    with context.step("verify"):
        ordered = {update.update_id: verdicts[update.update_id] for update in plan.considered}
        found = await asyncio.to_thread(with_effects, ordered, base, context.ports.layers)
        refused = [*plan.excluded, *(entry for entry in found.values() if isinstance(entry, Excluded))]
        tell_rejected(context, refused)
        context.tell("verify", f"{len(valid(found))} accepted, {len(refused)} rejected")
    return found


def tell_rejected(context: RoundContext, refused: Sequence[Excluded]) -> None:
    """News of updates that do not enter, by ascending id."""
    for entry in sorted(refused, key=lambda entry: entry.update_id):
        context.tell("verify", f"update {entry.update_id} rejected: rule {entry.rule}: {entry.detail}")


async def _fetch_until(
    context: RoundContext, objects: ObjectStore, jobs: Sequence[FetchJob], last_try: int
) -> dict[UpdateId, HeldAdapter | Excluded]:
    """Fetch what arrives before a height; a peer that hangs costs its update, and not the round."""
    verdicts: dict[UpdateId, HeldAdapter | Excluded] = {}
    enough = threading.Event()
    fetching = asyncio.ensure_future(asyncio.to_thread(_fetch_all, context, objects, jobs, verdicts, enough))
    while not (await asyncio.wait({fetching}, timeout=RETRY_S))[0]:
        if (await context.settlement.status()).height >= last_try:
            enough.set()
            fetching.cancel()
            break
    else:
        fetching.result()
    late = [job.record.update_id for job in jobs if job.record.update_id not in verdicts]
    return dict(verdicts) | {one: Excluded(one, MISSING, f"has not arrived by block {last_try}") for one in late}


def _fetch_all(
    context: RoundContext,
    objects: ObjectStore,
    jobs: Sequence[FetchJob],
    verdicts: dict[UpdateId, HeldAdapter | Excluded],
    enough: threading.Event,
) -> None:
    """Fetch and decode in one store, and hold what is valid in the round's own, until that is enough."""
    paths = sorted(jobs[0].demand.shapes) if jobs else []
    found = objects.scatter(decode_update, jobs, lambda job: f"fetch update {job.record.update_id}", len(paths))
    for index, result in found:
        if enough.is_set():
            return
        update_id = jobs[index].record.update_id
        match result:
            case Lost(reason):
                verdicts[update_id] = Excluded(update_id, MISSING, reason)
            case (Excluded() as refused, _):
                verdicts[update_id] = refused
            case (Decoded() as decoded, pieces):
                held = dict(zip(paths, pieces, strict=True))
                verdicts[update_id] = _adapter(decoded, held, context.ports.layers.objects)
        context.tell("fetch", f"{len(verdicts)} of {len(jobs)}")


def _adapter(decoded: Decoded, pieces: Mapping[str, Held[Any]], objects: ObjectStore) -> HeldAdapter:
    """What came to this process goes back to the cluster's store; what is there already stays."""
    held = {layer.path: pieces[layer.path] for layer in decoded.layers}
    modules: dict[str, Held[ModuleAdapter]] = {
        path: objects.share(piece.value) if isinstance(piece, Here) else piece for path, piece in held.items()
    }
    return HeldAdapter(decoded.dora, decoded.layers, modules)


def _is_missing(verdict: HeldAdapter | Excluded) -> bool:
    return isinstance(verdict, Excluded) and verdict.rule == MISSING
