import dataclasses

import pytest
import torch

from r3mes_ray.chain.decode import round_record
from r3mes_ray.errors import InvalidAggregate, TooFewUpdates
from r3mes_ray.models.adapters import read_package, write_package
from r3mes_ray.models.adapters.history import PastRound, SketchedUpdate, encode_sketch
from r3mes_ray.models.dora import effective_delta
from r3mes_ray.training.aggregation import aggregate_updates, write_aggregate
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import plan_round
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import Versions
from r3mes_ray.training.stored import stored as stored_package


@pytest.fixture
def plan(chain):
    chain.round.phase = 2
    chain.round.rule_parameters = '{"rank":9}'
    return plan_round(round_record(chain.round), [])


@pytest.fixture
def stored(packages, tmp_path):
    def make(number, **options):
        package = packages.make(number, **options)
        folder = tmp_path / f"stored-{number}"
        write_package(package, folder)
        return package, stored_package(folder, package)

    return make


def past(*ids):
    return (PastRound(1, tuple(SketchedUpdate(id_, encode_sketch(torch.ones(64))) for id_ in ids)),)


def test_aggregate_at_full_rank_is_the_mean_of_the_effective_weights(base, plan, stored, tmp_path):
    made = [stored(number, dora=number != 1) for number in range(3)]
    aggregate = aggregate_updates(base, plan, [adapter for _, adapter in made])
    write_aggregate(aggregate, "tiny", plan, [0, 1, 4], [Excluded(2, "finite", "NaN")], past(0, 1, 4), tmp_path / "out")
    package = read_package(tmp_path / "out", max_bytes=2**20)
    assert (package.config.r, package.config.lora_alpha, package.config.use_dora) == (9, 9, True)
    assert package.config.target_modules == ("down_proj", "q_proj")
    for name, module in package.modules().items():
        weight = base.effective_weight(name)
        expected = sum(effective_delta(weight, update.modules()[name]) for update, _ in made) / 3
        torch.testing.assert_close(effective_delta(weight, module), expected, rtol=0, atol=1e-5)
    assert aggregate.discarded_energy == pytest.approx(0.0, abs=1e-9)


def test_aggregate_of_loras_is_a_lora(base, plan, stored):
    aggregate = aggregate_updates(base, plan, [stored(n, dora=False)[1] for n in range(2)])
    assert not aggregate.config.use_dora
    assert not any(name.endswith("magnitude_vector") for name in aggregate.tensors)


def test_aggregate_below_full_rank_publishes_the_discarded_energy(base, chain, stored):
    chain.round.phase = 2
    chain.round.rule_parameters = '{"rank":2}'
    plan = plan_round(round_record(chain.round), [])
    made = [stored(n, dora=False) for n in range(3)]
    aggregate = aggregate_updates(base, plan, [adapter for _, adapter in made])
    kept = total = 0.0
    for name in base.linear_shapes:
        dense = sum(effective_delta(base.effective_weight(name), update.modules()[name]) for update, _ in made) / 3
        sigma = torch.linalg.svdvals(dense)
        kept, total = kept + float(sigma[:2].square().sum()), total + float(sigma.square().sum())
    assert aggregate.discarded_energy == pytest.approx(1 - kept / total, rel=1e-6)


def half_step_plan(plan, base, adapter, start):
    """Clips the only step to half its length."""
    length = float(compare_steps(base, [adapter], start).gram) ** 0.5
    parameters = plan.parameters.model_copy(update={"radius": length / 2, "iterations": 1})
    record = dataclasses.replace(plan.record, rule="centered-clipping")
    return dataclasses.replace(plan, record=record, parameters=parameters)


def test_aggregate_of_half_a_step_stays_halfway_to_the_start_version(base, plan, stored):
    """A rule whose coefficients do not sum to 1 leaves the rest to x₀."""
    (update, adapter), (start, start_adapter) = stored(1), stored(2)
    aggregate = aggregate_updates(
        base, half_step_plan(plan, base, adapter, start_adapter), [adapter], Versions(start_adapter)
    )
    from_base = aggregate_updates(base, half_step_plan(plan, base, adapter, None), [adapter])
    for name, module in update.modules().items():
        weight = base.effective_weight(name)
        own, first = effective_delta(weight, module), effective_delta(weight, start.modules()[name])
        torch.testing.assert_close(delta(base, aggregate, name), (own + first) / 2, rtol=0, atol=1e-5)
        torch.testing.assert_close(delta(base, from_base, name), own / 2, rtol=0, atol=1e-5)


def delta(base, aggregate, name):
    from r3mes_ray.models.adapters import modules_of

    return effective_delta(base.effective_weight(name), modules_of(aggregate.config, aggregate.tensors)[name])


def test_aggregate_written_twice_has_the_same_bytes(base, plan, stored, tmp_path):
    adapters = [stored(number)[1] for number in range(3)]
    for name in ("one", "two"):
        aggregate = aggregate_updates(base, plan, adapters)
        write_aggregate(aggregate, "tiny", plan, [0, 1, 2], [], past(0, 1, 2), tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def with_rule(plan, rule, **parameters):
    record = dataclasses.replace(plan.record, rule=rule)
    return dataclasses.replace(plan, record=record, parameters=plan.parameters.model_copy(update=parameters))


@pytest.mark.parametrize("rule", ["median", "trimmed-mean", "meamed"])
def test_aggregate_of_a_coordinate_rule_equals_the_rule_on_dense_steps(base, plan, stored, rule):
    made = [stored(number, dora=number != 1) for number in range(4)]
    start, start_adapter = stored(9)
    wide = with_rule(plan, rule, rank=14, faults=1)
    aggregate = aggregate_updates(base, wide, [adapter for _, adapter in made], Versions(start_adapter))
    assert not aggregate.config.use_dora
    assert aggregate.discarded_energy == pytest.approx(0.0, abs=1e-9)
    for name in base.linear_shapes:
        weight = base.effective_weight(name)
        first = effective_delta(weight, start.modules()[name])
        steps = torch.stack([effective_delta(weight, update.modules()[name]) - first for update, _ in made])
        ordered = steps.sort(dim=0).values
        middle = ordered[1:3].mean(dim=0)
        if rule == "meamed":
            lower = (middle - ordered[0]) <= (ordered[3] - middle)
            middle = torch.where(lower, ordered[:3].mean(dim=0), ordered[1:].mean(dim=0))
        torch.testing.assert_close(delta(base, aggregate, name), first + middle, rtol=0, atol=1e-5)


def test_aggregate_of_krum_is_one_honest_update_beside_a_liar(base, plan, stored):
    honest = [stored(number, scale=0.01)[1] for number in range(4)]
    liar = stored(7, scale=3.0)[1]
    aggregate = aggregate_updates(base, with_rule(plan, "krum", faults=1), [*honest, liar])
    assert sorted(aggregate.decision.coefficients) == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert aggregate.decision.coefficients[4] == 0.0


def test_aggregate_of_too_few_for_the_liars_is_refused_or_lowers_f(base, plan, stored):
    adapters = [stored(number)[1] for number in range(4)]
    with pytest.raises(TooFewUpdates) as refused:
        aggregate_updates(base, with_rule(plan, "krum", faults=1), adapters)
    assert (refused.value.accepted, refused.value.needed) == (4, 5)
    lowered = aggregate_updates(base, with_rule(plan, "krum", faults=1, if_too_few="lower"), adapters)
    assert sum(lowered.decision.coefficients) == 1.0


def on_version(plan, number):
    return dataclasses.replace(plan, record=dataclasses.replace(plan.record, start_version=number))


@pytest.mark.parametrize("rule", ["mean", "median"])
@pytest.mark.parametrize("first_version", [1, 2])
def test_aggregate_with_momentum_adds_a_share_of_the_last_step(base, plan, stored, rule, first_version):
    """x₁ = x₀ + 0.7 Σ cᵢ(xᵢ − x₀) + 0.4 (x₀ − x₋₁), on effective weights; version 0 is the base."""
    made = [stored(number, dora=number != 1) for number in range(3)]
    (start, at_start), (before, at_before) = stored(8), stored(9)
    wide = on_version(with_rule(plan, rule, rank=20, outer_learning_rate=0.7, outer_momentum=0.4), first_version)
    versions = Versions(at_start, (at_before if first_version > 1 else None,))
    aggregate = aggregate_updates(base, wide, [adapter for _, adapter in made], versions)
    for name in base.linear_shapes:
        weight = base.effective_weight(name)
        first = effective_delta(weight, start.modules()[name])
        last = effective_delta(weight, before.modules()[name]) if first_version > 1 else torch.zeros_like(first)
        steps = torch.stack([effective_delta(weight, update.modules()[name]) - first for update, _ in made])
        moved = steps.mean(dim=0) if rule == "mean" else steps.median(dim=0).values
        expected = first + 0.7 * moved + 0.4 * (first - last)
        torch.testing.assert_close(delta(base, aggregate, name), expected, rtol=0, atol=1e-5)


def test_aggregate_of_a_first_round_has_no_momentum(base, plan, stored):
    adapters = [stored(number)[1] for number in range(3)]
    plain = aggregate_updates(base, plan, adapters)
    heavy = aggregate_updates(base, with_rule(plan, "mean", outer_momentum=0.9), adapters)
    assert all(torch.equal(plain.tensors[name], heavy.tensors[name]) for name in plain.tensors)


def test_aggregate_whose_momentum_would_turn_a_row_around_is_refused(base, plan, stored):
    """Gains fell from 1 to almost 0 in the last round: 0.95 of that step more is below 0."""
    shrunk = stored(1, gain=0.01)[1]
    heavy = on_version(with_rule(plan, "mean", outer_momentum=0.95), 1)
    with pytest.raises(InvalidAggregate, match="not positive"):
        aggregate_updates(base, heavy, [shrunk], Versions(shrunk, (None,)))
