"""Steps 4 and 5 of a round: valid updates become one adapter package, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from r3mes_ray.errors import TooFewUpdates
from r3mes_ray.models.adapters import (
    AggregateOrigin,
    Exclusion,
    ModuleAdapter,
    make_package,
    modules_of,
    read_package,
    write_package,
)
from r3mes_ray.models.adapters.history import History
from r3mes_ray.models.adapters.modules import MAGNITUDE, PREFIX, A, B
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.coordinatewise import reduce_module
from r3mes_ray.training.exact import ModuleMean, mean_of_module
from r3mes_ray.training.layers import IN_PROCESS, LayerJob, LayerWork, paths_of
from r3mes_ray.training.outer import Mixture, OuterStep, outer_step
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.rules import (
    COORDINATE_RULES,
    RULES,
    Decision,
    RuleInput,
    RuleParameters,
    decide,
    faults_borne,
    rule_named,
    updates_needed,
)
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import FROM_BASE, Adapter, BaseWeights, Versions
from r3mes_ray.types import UpdateId

_MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The result of a round, under PEFT's names.

    Attributes:
        mixture: what the decision and the outer step lead to; a coordinate-wise rule's result is no such combination.
        discarded_energy: share of the result's squared norm that the target rank left out; the same bits everywhere, as
            layers are summed up in order.
    """

    config: AdapterConfig
    tensors: Mapping[str, Tensor]
    decision: Decision
    mixture: Mixture
    discarded_energy: float

    def modules(self) -> dict[str, ModuleAdapter]:
        """The layers by name."""
        return modules_of(self.config, self.tensors)


def aggregate_updates(
    base: BaseWeights,
    plan: RoundPlan,
    updates: Sequence[Adapter],
    versions: Versions = FROM_BASE,
    algebra: Algebra = REPRODUCIBLE,
    *,
    weights: Sequence[int] | None = None,
    gram: Tensor | None = None,
    work: LayerWork = IN_PROCESS,
) -> Aggregate:
    """Apply the round's rule to valid updates in the order of their ids.

    Args:
        base: weights that the updates were trained on.
        plan: the round, with its rule and parameters.
        updates: at least one; a layer that none of them touches stays as in the base.
        versions: the one that they started from, and those before it that the round's momentum needs.
        algebra: how sums and truncation are computed; only the default gives the bits that others recompute.
        weights: by the chain, one for each update, below 2**53; none weighs all alike.
        gram: inner products of the updates' steps, where known: those of `compare_steps` with the same algebra.
        work: where layers are computed; the result does not depend on it.

    Raises:
        TooFewUpdates: fewer than the rule needs for the round's number of liars, or than it is to keep beside them.
        InvalidAggregate: the result has a row with a gain that is not positive, or the rule has too much to search.
    """
    parameters = _with_borne_faults(plan, len(updates))

    def inner_products() -> Tensor:
        return compare_steps(base, updates, versions.start, algebra, work).gram if gram is None else gram

    decision = _decide(plan, parameters, RuleInput(tuple(map(float, weights or [1] * len(updates))), inner_products))
    outer = outer_step(plan)
    mixture = outer.mixture(decision.coefficients)
    adapters, coefficients = _mixed(updates, versions, mixture)
    start = versions.start
    coordinate = COORDINATE_RULES.get(plan.record.rule)
    dora = coordinate is None and any(adapter is not None and adapter.dora for adapter in adapters)
    if coordinate is None:
        task = partial(_mean, coefficients=tuple(coefficients), rank=parameters.rank, dora=dora)
        layers = work.each(task, base, [*adapters, start], name="aggregate", algebra=algebra)
    else:
        adapters = [*updates, *versions.previous]
        rule = partial(coordinate, faults=parameters.faults or 0)
        task = partial(_reduce, rule=rule, outer=outer, rank=parameters.rank)
        layers = work.each(task, base, [*adapters, start], name="aggregate", algebra=algebra)
    tensors: dict[str, Tensor] = {}
    kept = total = 0.0
    for path, mean in layers:
        tensors |= _tensors(path, mean)
        kept, total = kept + mean.kept_energy, total + mean.total_energy
    paths = paths_of([*adapters, start])
    config = _config(base, paths, parameters.rank, dora=dora)
    return Aggregate(config, tensors, decision, mixture, max(0.0, 1.0 - kept / total) if total else 0.0)


def _mean(job: LayerJob, *, coefficients: Sequence[float], rank: int, dora: bool) -> ModuleMean:
    """The parts that have a coefficient are averaged; the start version may be one more that has none."""
    weight, parts = job.load()
    counted = parts[: len(coefficients)]
    mean = mean_of_module(weight, counted, coefficients, rank=rank, with_magnitude=dora, algebra=job.algebra)
    return mean.cpu()


def _reduce(job: LayerJob, *, rule: Callable[[Tensor], Tensor], outer: OuterStep, rank: int) -> ModuleMean:
    weight, loaded = job.load()
    count = len(loaded) - 1 - len(outer.previous)
    versions = (loaded[-1], *loaded[count:-1])
    return reduce_module(weight, loaded[:count], versions, rule, outer=outer, rank=rank, algebra=job.algebra).cpu()


def _with_borne_faults(plan: RoundPlan, count: int) -> RuleParameters:
    """The round's parameters with the f that its rule is run with."""
    rule, parameters = plan.record.rule, plan.parameters
    rule_named(rule)
    faults = faults_borne(rule, count, parameters)
    if faults is None:
        needed = updates_needed(rule, parameters)
        raise TooFewUpdates(plan.record.round_id, count, count + 1 if needed is None else needed)
    return parameters.model_copy(update={"faults": faults})


def _decide(plan: RoundPlan, parameters: RuleParameters, given: RuleInput) -> Decision:
    """The coefficients; a coordinate-wise rule has none, and counts every update alike."""
    rule = RULES.get(plan.record.rule)
    if rule is None:
        return Decision((1.0 / len(given.weights),) * len(given.weights))
    return decide(rule, given, parameters)


def _mixed(
    updates: Sequence[Adapter], versions: Versions, mixture: Mixture
) -> tuple[list[Adapter | None], list[float]]:
    """The adapters that count, with their coefficients. What counts 0 is not read."""
    pairs: list[tuple[Adapter | None, float]] = [
        (adapter, c) for adapter, c in zip(updates, mixture.updates, strict=True) if c
    ]
    if abs(mixture.start) > 1e-12 or not pairs:
        pairs.append((versions.start, mixture.start))
    pairs += zip(versions.previous, mixture.previous, strict=True)
    return [adapter for adapter, _ in pairs], [c for _, c in pairs]


def write_aggregate(
    aggregate: Aggregate,
    base_id: str,
    plan: RoundPlan,
    accepted: Sequence[UpdateId],
    excluded: Sequence[Excluded],
    history: History,
    folder: Path,
) -> None:
    """Write the package into an empty folder, and read it back as any receiver would.

    Raises:
        PackageRejected: a receiver would refuse it; it must not be published.
    """
    record = plan.record
    origin = AggregateOrigin(
        round=record.round_id,
        rule=record.rule,
        parameters=plan.parameters.model_dump(exclude_none=True),
        accepted=tuple(accepted),
        weights=aggregate.decision.coefficients,
        excluded=tuple(Exclusion(entry.update_id, entry.rule, entry.detail[:_MAX_REASON]) for entry in excluded),
        start_version=record.start_version,
        discarded_energy=aggregate.discarded_energy,
        history=history,
    )
    package = make_package(
        aggregate.config,
        aggregate.tensors,
        base_id=base_id,
        expert=record.expert,
        version=record.start_version + 1,
        origin=origin,
    )
    write_package(package, folder)
    read_package(folder, max_bytes=2**63)


def _tensors(path: str, mean: ModuleMean) -> dict[str, Tensor]:
    found = {f"{PREFIX}{path}{A}": mean.a, f"{PREFIX}{path}{B}": mean.b}
    return found if mean.magnitude is None else found | {f"{PREFIX}{path}{MAGNITUDE}": mean.magnitude}


def _config(base: BaseWeights, paths: Sequence[str], rank: int, *, dora: bool) -> AdapterConfig:
    """Scale 1 (alpha = r). A target is a last name where all the base's layers of that name take part, else a path."""
    names = base.linear_shapes
    kinds = {path.rpartition(".")[2] for path in paths}
    whole = {kind for kind in kinds if all(name in paths for name in names if name.rpartition(".")[2] == kind)}
    targets = whole | {path for path in paths if path.rpartition(".")[2] not in whole}
    return AdapterConfig(
        peft_type="LORA",
        r=rank,
        lora_alpha=rank,
        use_rslora=False,
        use_dora=dora,
        target_modules=tuple(sorted(targets)),
        rank_pattern={},
        alpha_pattern={},
        base_hash=base.base_hash,
    )
