import dataclasses

import pytest
import torch

from r3mes_ray.chain.decode import round_record
from r3mes_ray.errors import TooFewUpdates
from r3mes_ray.models.adapters import read_package, write_package
from r3mes_ray.models.dora import effective_delta
from r3mes_ray.training.aggregation import aggregate_updates, write_aggregate
from r3mes_ray.training.gram import gram_of_steps
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import plan_round
from r3mes_ray.training.stored import StoredAdapter, layers_of


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
        return package, StoredAdapter(folder, package.config.use_dora, layers_of(package))

    return make


def test_aggregate_at_full_rank_is_the_mean_of_the_effective_weights(base, plan, stored, tmp_path):
    made = [stored(number, dora=number != 1) for number in range(3)]
    aggregate = aggregate_updates(base, plan, [adapter for _, adapter in made], None)
    write_aggregate(aggregate, "tiny", plan, [0, 1, 4], [Excluded(2, "finite", "NaN")], tmp_path / "out")
    package = read_package(tmp_path / "out", max_bytes=2**20)
    assert (package.config.r, package.config.lora_alpha, package.config.use_dora) == (9, 9, True)
    assert package.config.target_modules == ("down_proj", "q_proj")
    for name, module in package.modules().items():
        weight = base.effective_weight(name)
        expected = sum(effective_delta(weight, update.modules()[name]) for update, _ in made) / 3
        torch.testing.assert_close(effective_delta(weight, module), expected, rtol=0, atol=1e-5)
    assert aggregate.discarded_energy == pytest.approx(0.0, abs=1e-9)


def test_aggregate_of_loras_is_a_lora(base, plan, stored):
    aggregate = aggregate_updates(base, plan, [stored(n, dora=False)[1] for n in range(2)], None)
    assert not aggregate.config.use_dora
    assert not any(name.endswith("magnitude_vector") for name in aggregate.tensors)


def test_aggregate_below_full_rank_publishes_the_discarded_energy(base, chain, stored):
    chain.round.phase = 2
    chain.round.rule_parameters = '{"rank":2}'
    plan = plan_round(round_record(chain.round), [])
    made = [stored(n, dora=False) for n in range(3)]
    aggregate = aggregate_updates(base, plan, [adapter for _, adapter in made], None)
    kept = total = 0.0
    for name in base.linear_shapes:
        dense = sum(effective_delta(base.effective_weight(name), update.modules()[name]) for update, _ in made) / 3
        sigma = torch.linalg.svdvals(dense)
        kept, total = kept + float(sigma[:2].square().sum()), total + float(sigma.square().sum())
    assert aggregate.discarded_energy == pytest.approx(1 - kept / total, rel=1e-6)


def half_step_plan(plan, base, adapter, start):
    """Clips the only step to half its length."""
    length = float(gram_of_steps(base, [adapter], start)) ** 0.5
    parameters = plan.parameters.model_copy(update={"radius": length / 2, "iterations": 1})
    record = dataclasses.replace(plan.record, rule="centered-clipping")
    return dataclasses.replace(plan, record=record, parameters=parameters)


def test_aggregate_of_half_a_step_stays_halfway_to_the_start_version(base, plan, stored):
    """A rule whose coefficients do not sum to 1 leaves the rest to x₀."""
    (update, adapter), (start, start_adapter) = stored(1), stored(2)
    aggregate = aggregate_updates(base, half_step_plan(plan, base, adapter, start_adapter), [adapter], start_adapter)
    from_base = aggregate_updates(base, half_step_plan(plan, base, adapter, None), [adapter], None)
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
        write_aggregate(aggregate_updates(base, plan, adapters, None), "tiny", plan, [0, 1, 2], [], tmp_path / name)
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
    aggregate = aggregate_updates(base, wide, [adapter for _, adapter in made], start_adapter)
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
    aggregate = aggregate_updates(base, with_rule(plan, "krum", faults=1), [*honest, liar], None)
    assert sorted(aggregate.decision.coefficients) == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert aggregate.decision.coefficients[4] == 0.0


def test_aggregate_of_too_few_for_the_liars_is_refused_or_lowers_f(base, plan, stored):
    adapters = [stored(number)[1] for number in range(4)]
    with pytest.raises(TooFewUpdates) as refused:
        aggregate_updates(base, with_rule(plan, "krum", faults=1), adapters, None)
    assert (refused.value.accepted, refused.value.needed) == (4, 5)
    lowered = aggregate_updates(base, with_rule(plan, "krum", faults=1, if_too_few="lower"), adapters, None)
    assert sum(lowered.decision.coefficients) == 1.0
