"""The part of the gate that needs all updates: copies, steps that are none, and losses above the start version's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from r3mes_ray.training.gate.admission import Admission, Verdicts, admit, valid
from r3mes_ray.training.gate.evaluation import Scored, worse_than_start
from r3mes_ray.training.gate.held_out import HeldOut, gate_of_round, held_out, why_no_gate
from r3mes_ray.training.gate.update import MISSING
from r3mes_ray.training.proposer.collection import tell_rejected
from r3mes_ray.training.proposer.context import RoundContext
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import BaseWeights, Versions
from r3mes_ray.training.versions import START, version_limit
from r3mes_ray.types import UpdateId


async def compare(
    context: RoundContext, plan: RoundPlan, verdicts: Verdicts, base: BaseWeights, versions: Versions
) -> Admission:
    """Refuse what an earlier update or the start version is already, and then what makes held-out text less likely.

    What cannot be scored is not to be had, for the comparison as well: it begins again without it, as whoever
    recomputes the round begins.
    """
    known = {entry.update_id for entry in plan.excluded} | (verdicts.keys() - valid(verdicts).keys())
    gate = await _gate(context, plan)
    while True:
        adapters = list(valid(verdicts).values())
        steps = await asyncio.to_thread(compare_steps, base, adapters, versions.start, work=context.ports.layers)
        admission = admit(plan, verdicts, steps, versions.history)
        if gate is None:
            break
        refused = await _refused(context, plan, gate, admission.accepted, version_limit(base.linear_shapes))
        lost = {entry.update_id: entry for entry in refused if entry.rule == MISSING}
        if not lost:
            admission = admit(plan, verdicts, steps, versions.history, refused)
            break
        verdicts = {**verdicts, **lost}
    tell_rejected(context, [entry for entry in admission.excluded if entry.update_id not in known])
    return admission


async def _gate(context: RoundContext, plan: RoundPlan) -> HeldOut | None:
    """The round's evaluation gate, if this node has its text."""
    own = await asyncio.to_thread(held_out, context.ports.settings.training.evaluation)
    if (reason := why_no_gate(plan.parameters, own)) is not None:
        context.tell("verify", reason)
    return gate_of_round(plan.parameters, own)


async def _refused(
    context: RoundContext, plan: RoundPlan, gate: HeldOut, accepted: Sequence[UpdateId], start_limit: int
) -> tuple[Excluded, ...]:
    cid = context.record.start
    first = None if cid is None else Scored(context.workspace.versions / START, cid, start_limit)
    limit = plan.parameters.update_limit
    cids = {update.update_id: update.cid for update in plan.considered}
    updates = [(update_id, Scored(None, cids[update_id], limit)) for update_id in accepted]
    context.tell("verify", f"scoring {len(updates)} updates on held-out text {gate.sha256}")
    ports = context.ports
    return await asyncio.to_thread(worse_than_start, ports.settings, gate, first, updates, ports.parallel)
