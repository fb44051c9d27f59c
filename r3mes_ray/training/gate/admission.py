"""Who enters a round's aggregate: one order of decisions for proposers and for those who check them.

First what the plan leaves out, then each update by itself, then what is not to be had, then what is in the expert
already, then copies among those that are left, and losses last: a copy stays one where its original is refused for its
loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.errors import TooFewUpdates
from r3mes_ray.models.adapters.history import History
from r3mes_ray.training.aggregation import Aggregate, aggregate_updates
from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.gate.repeats import continued, find_repeats
from r3mes_ray.training.gate.update import excluded
from r3mes_ray.training.gate.validation import faults_of_effects
from r3mes_ray.training.geometry import Geometry, geometry_of
from r3mes_ray.training.gram import part_of
from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import STALE, RoundPlan
from r3mes_ray.training.steps import Steps
from r3mes_ray.training.stored import Adapter, BaseWeights, Versions
from r3mes_ray.types import UpdateId

Verdicts = Mapping[UpdateId, Adapter | Excluded]
"""Each considered update by itself, by ascending id: what it is, or why it does not enter."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Every update of a round, accepted or excluded, by ascending id.

    Attributes:
        compared: those that were compared with each other; copies among them are excluded.
        gram: ⟨xᵢ − x₀, xⱼ − x₀⟩ of these, (N, N).
        history: what the new version's manifest says of the updates in the expert.
    """

    accepted: tuple[UpdateId, ...]
    excluded: tuple[Excluded, ...]
    compared: tuple[UpdateId, ...]
    gram: Tensor
    history: History


def valid(verdicts: Verdicts) -> dict[UpdateId, Adapter]:
    """The updates that are valid each by itself."""
    return {update_id: found for update_id, found in verdicts.items() if not isinstance(found, Excluded)}


def with_effects(verdicts: Verdicts, base: BaseWeights, work: LayerWork) -> Verdicts:
    """The verdicts on updates that were decoded, with those on what they do to the base's layers."""
    adapters = valid(verdicts)
    faults = zip(adapters, faults_of_effects(list(adapters.values()), base, work), strict=True)
    refused = {update_id: excluded(update_id, fault) for update_id, fault in faults if fault is not None}
    return {**verdicts, **refused}


def admit(
    plan: RoundPlan, verdicts: Verdicts, steps: Steps, history: History, scores: Sequence[Excluded] = ()
) -> Admission:
    """Decide about all updates at once; pure.

    Args:
        plan: the round.
        verdicts: on each considered update.
        steps: of the valid ones.
        history: of the start version.
        scores: what an evaluation gate refuses; of an update that is refused before it says nothing.
    """
    everyone = tuple(valid(verdicts))
    refused = {entry.update_id: entry for entry in plan.excluded}
    refused |= {update_id: found for update_id, found in verdicts.items() if isinstance(found, Excluded)}
    repeats = {everyone[place]: reason for place, reason in find_repeats(steps, history).items()}
    refused |= {id_: Excluded(id_, STALE, reason) for id_, reason in repeats.items() if id_ not in refused}
    ids = tuple(update_id for update_id in everyone if update_id not in refused)
    inner = part_of(steps.gram, everyone, ids)
    copies = find_copies(inner, [f"update {update_id}" for update_id in ids])
    refused |= {ids[copy.index]: Excluded(ids[copy.index], copy.rule, copy.detail) for copy in copies}
    unique = [update_id for update_id in ids if update_id not in refused]
    refused |= {entry.update_id: entry for entry in scores if entry.update_id in unique}
    accepted = tuple(update_id for update_id in unique if update_id not in refused)
    return Admission(
        accepted=accepted,
        excluded=tuple(sorted(refused.values(), key=lambda entry: entry.update_id)),
        compared=ids,
        gram=inner,
        history=continued(history, plan.record.start_version + 1, steps, everyone, accepted),
    )


def require(plan: RoundPlan, accepted: Sequence[UpdateId] | Mapping[UpdateId, Adapter]) -> None:
    """Raise TooFewUpdates unless these are as many as the round wants at least."""
    needed = plan.parameters.min_updates
    if len(accepted) < needed:
        raise TooFewUpdates(plan.record.round_id, len(accepted), needed)


def aggregate_admitted(
    base: BaseWeights, plan: RoundPlan, verdicts: Verdicts, admission: Admission, versions: Versions, work: LayerWork
) -> tuple[Aggregate, Geometry]:
    """Apply the round's rule to what was accepted, and say how what was compared lies to each other.

    Raises:
        TooFewUpdates: fewer than the round or its rule needs.
        InvalidAggregate: as `aggregate_updates` says.
    """
    accepted, adapters = admission.accepted, valid(verdicts)
    require(plan, accepted)
    aggregate = aggregate_updates(
        base,
        plan,
        [adapters[update_id] for update_id in accepted],
        versions,
        weights=[plan.weight(update_id) for update_id in accepted],
        gram=part_of(admission.gram, admission.compared, accepted),
        work=work,
    )
    shares = dict(zip(accepted, aggregate.decision.coefficients, strict=True))
    return aggregate, geometry_of(admission.compared, admission.gram, shares)
