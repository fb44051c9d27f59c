"""The part of the gate that needs all updates: copies, steps that are none, and losses above the start version's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.gate.evaluation import Scored, held_out, worse_than_start
from r3mes_ray.training.gram import gram_of_steps
from r3mes_ray.training.proposer.collection import Collected
from r3mes_ray.training.proposer.context import RoundContext
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.stored import Adapter, BaseWeights
from r3mes_ray.training.versions import version_limit
from r3mes_ray.types import UpdateId


@dataclass(frozen=True, slots=True)
class Compared:
    """What is left, with the inner products of all that were compared: `gram` (N, N) over `ids`."""

    collected: Collected
    ids: tuple[UpdateId, ...]
    gram: Tensor


async def compare(
    context: RoundContext, plan: RoundPlan, collected: Collected, base: BaseWeights, start: Adapter | None
) -> Compared:
    """Refuse what an earlier update or the start version is already, and then what makes held-out text less likely."""
    ids = tuple(entry.record.update_id for entry in collected.accepted)
    adapters = [entry.adapter for entry in collected.accepted]
    gram = await asyncio.to_thread(gram_of_steps, base, adapters, start, work=context.ports.layers)
    copies = find_copies(gram, [f"update {update_id}" for update_id in ids])
    unique = _without(context, collected, [Excluded(ids[copy.index], copy.rule, copy.detail) for copy in copies])
    return Compared(await _evaluated(context, plan, unique, version_limit(base.linear_shapes)), ids, gram)


async def _evaluated(context: RoundContext, plan: RoundPlan, collected: Collected, start_limit: int) -> Collected:
    settings = context.ports.settings
    gate = await asyncio.to_thread(held_out, settings)
    if gate is None:
        return collected
    cid = context.record.start
    first = None if cid is None else Scored(context.workspace.start, cid, start_limit)
    limit = plan.parameters.update_limit
    updates = [(entry.record.update_id, Scored(None, entry.record.cid, limit)) for entry in collected.accepted]
    context.tell("verify", f"scoring {len(updates)} updates on held-out text {gate.sha256}")
    refused = await asyncio.to_thread(worse_than_start, settings, gate, first, updates, context.ports.parallel)
    return _without(context, collected, refused)


def _without(context: RoundContext, collected: Collected, refused: list[Excluded] | tuple[Excluded, ...]) -> Collected:
    for entry in refused:
        context.tell("verify", f"update {entry.update_id} rejected: rule {entry.rule}: {entry.detail}")
    gone = {entry.update_id for entry in refused}
    kept = tuple(entry for entry in collected.accepted if entry.record.update_id not in gone)
    return Collected(kept, tuple(sorted([*collected.excluded, *refused], key=lambda entry: entry.update_id)))
