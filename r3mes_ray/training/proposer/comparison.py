"""The part of the gate that needs all updates: copies, steps that are none, and losses above the start version's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.gate.evaluation import Scored, worse_than_start
from r3mes_ray.training.gate.held_out import HeldOut, gate_of_round, held_out, why_no_gate
from r3mes_ray.training.gate.update import MISSING
from r3mes_ray.training.gram import gram_of_steps, part_of
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
    """Refuse what an earlier update or the start version is already, and then what makes held-out text less likely.

    What cannot be scored is not to be had, for the comparison as well: it begins again without it, as whoever
    recomputes the round begins.
    """
    everyone = _ids(collected)
    adapters = [entry.adapter for entry in collected.accepted]
    whole = await asyncio.to_thread(gram_of_steps, base, adapters, start, work=context.ports.layers)
    gate = await _gate(context, plan)
    while True:
        ids = _ids(collected)
        gram = part_of(whole, everyone, ids)
        copies = find_copies(gram, [f"update {update_id}" for update_id in ids])
        unique = _without(context, collected, [Excluded(ids[copy.index], copy.rule, copy.detail) for copy in copies])
        if gate is None:
            return Compared(unique, ids, gram)
        refused = await _refused(context, plan, gate, unique, version_limit(base.linear_shapes))
        lost = [entry for entry in refused if entry.rule == MISSING]
        if not lost:
            return Compared(_without(context, unique, refused), ids, gram)
        collected = _without(context, collected, lost)


async def _gate(context: RoundContext, plan: RoundPlan) -> HeldOut | None:
    """The round's evaluation gate, if this node has its text."""
    own = await asyncio.to_thread(held_out, context.ports.settings.training.evaluation)
    if (reason := why_no_gate(plan.parameters, own)) is not None:
        context.tell("verify", reason)
    return gate_of_round(plan.parameters, own)


async def _refused(
    context: RoundContext, plan: RoundPlan, gate: HeldOut, collected: Collected, start_limit: int
) -> tuple[Excluded, ...]:
    cid = context.record.start
    first = None if cid is None else Scored(context.workspace.start, cid, start_limit)
    limit = plan.parameters.update_limit
    updates = [(entry.record.update_id, Scored(None, entry.record.cid, limit)) for entry in collected.accepted]
    context.tell("verify", f"scoring {len(updates)} updates on held-out text {gate.sha256}")
    ports = context.ports
    return await asyncio.to_thread(worse_than_start, ports.settings, gate, first, updates, ports.parallel)


def _ids(collected: Collected) -> tuple[UpdateId, ...]:
    return tuple(entry.record.update_id for entry in collected.accepted)


def _without(context: RoundContext, collected: Collected, refused: Sequence[Excluded]) -> Collected:
    for entry in refused:
        context.tell("verify", f"update {entry.update_id} rejected: rule {entry.rule}: {entry.detail}")
    gone = {entry.update_id for entry in refused}
    kept = tuple(entry for entry in collected.accepted if entry.record.update_id not in gone)
    return Collected(kept, tuple(sorted([*collected.excluded, *refused], key=lambda entry: entry.update_id)))
