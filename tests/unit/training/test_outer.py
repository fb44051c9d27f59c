"""The outer step beside PyTorch's optimizer, on dense vectors and through layers."""

import dataclasses
from itertools import pairwise

import pytest
import torch

from r3mes_ray.chain.decode import round_record
from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapters import make_package, modules_of, write_package
from r3mes_ray.models.dora import effective_delta
from r3mes_ray.training.aggregation import aggregate_updates
from r3mes_ray.training.outer import STEPS, nesterov_series, outer_step
from r3mes_ray.training.round import plan_round
from r3mes_ray.training.rules import RuleParameters, check_parameters
from r3mes_ray.training.stored import Versions
from r3mes_ray.training.stored import stored as stored_package

ETA, MU = 0.7, 0.9


@pytest.fixture
def plan(chain):
    """The round that starts from a version, with a rule."""
    chain.round.phase = 2

    def at(version, rule="mean", **parameters):
        made = plan_round(round_record(chain.round), [])
        record = dataclasses.replace(made.record, start_version=version, rule=rule)
        wanted = {"rank": 24, "outer_learning_rate": ETA, "outer_momentum": MU} | parameters
        return dataclasses.replace(made, record=record, parameters=RuleParameters(**wanted))

    return at


def optimizer(start, *, nesterov):
    parameter = torch.nn.Parameter(start.clone())
    return parameter, torch.optim.SGD([parameter], lr=ETA, momentum=MU, nesterov=nesterov)


@pytest.mark.parametrize("method", ["nesterov", None])
def test_outer_steps_of_ten_rounds_are_those_of_pytorch(plan, method):
    """Exactly so as long as the series holds every step, and within q^8 of the longest step where one is cut off."""
    generator = torch.Generator().manual_seed(1)
    versions = [torch.randn(40, generator=generator, dtype=torch.float64)]
    parameter, sgd = optimizer(versions[0], nesterov=method == "nesterov")
    for number in range(10):
        updates = parameter.detach() + torch.randn(3, 40, generator=generator, dtype=torch.float64)
        parameter.grad = parameter.detach() - updates.mean(dim=0)
        mixture = outer_step(plan(number, outer_method=method)).mixture([1 / 3] * 3)
        past = versions[-2 : -2 - len(mixture.previous) : -1]
        sgd.step()
        found = mixture.start * versions[-1] + sum(c * x for c, x in zip(mixture.updates, updates, strict=True))
        found += sum(c * x for c, x in zip(mixture.previous, past, strict=True))
        off = float((found - parameter.detach()).norm())
        longest = max((float((b - a).norm()) for a, b in pairwise(versions)), default=0.0)
        cut = method == "nesterov" and number > STEPS
        assert off <= ((MU / (1 + MU)) ** STEPS * longest if cut else 1e-12)
        assert (off > 1e-12) == cut
        versions.append(parameter.detach().clone())


def test_nesterov_series_of_few_steps_is_the_one_on_paper():
    """μ = 1/2, q = 1/3: weights 1/6, 1/18 of the last two steps."""
    assert nesterov_series(0.5, 0) == ()
    assert nesterov_series(0.5, 1) == pytest.approx((-1 / 6,))
    assert nesterov_series(0.5, 2) == pytest.approx((1 / 18 - 1 / 6, -1 / 18))


def test_first_round_with_nesterov_goes_one_and_a_momentum_as_far(plan):
    assert outer_step(plan(0, outer_method="nesterov")).mixture([1.0]).updates == pytest.approx((ETA * (1 + MU),))
    assert outer_step(plan(0)).mixture([1.0]).updates == (ETA,)


def test_nesterov_without_momentum_opens_no_round():
    with pytest.raises(InvalidInput, match="nesterov needs an outer_momentum"):
        check_parameters("mean", RuleParameters(outer_method="nesterov"))
    check_parameters("mean", RuleParameters(outer_method="nesterov", outer_momentum=0.9))


@pytest.mark.parametrize("rule", ["mean", "median"])
def test_rounds_with_nesterov_move_layers_as_pytorch_does(base, plan, packages, tmp_path, rule):
    """Ten rounds at full rank, each from what the last one published, in float32 factors."""
    weights = {name: base.effective_weight(name).double() for name in base.linear_shapes}
    state = {name: optimizer(torch.zeros_like(weight), nesterov=True) for name, weight in weights.items()}
    published = [None]
    for number in range(10):
        made = [packages.make(10 * number + n, dora=n == 1, scale=0.03) for n in range(3)]
        adapters = [stored(package, tmp_path / f"{number}-{at}") for at, package in enumerate(made)]
        this = plan(number, rule, outer_method="nesterov", rank=10)
        before = tuple(published[-2 : -2 - len(outer_step(this).previous) : -1])
        aggregate = aggregate_updates(base, this, adapters, Versions(published[-1], before))
        for name, (parameter, sgd) in state.items():
            deltas = torch.stack([effective_delta(weights[name], package.modules()[name]) for package in made])
            middle = deltas.mean(dim=0) if rule == "mean" else deltas.median(dim=0).values
            parameter.grad = parameter.detach() - middle
            sgd.step()
            found = effective_delta(weights[name], modules_of(aggregate.config, aggregate.tensors)[name])
            tolerance = 1e-4 if number <= STEPS else 2e-2
            torch.testing.assert_close(found, parameter.detach(), rtol=0, atol=tolerance)
        origin = made[0].manifest.origin
        package = make_package(
            aggregate.config, aggregate.tensors, base_id="tiny", expert="python", version=number + 1, origin=origin
        )
        published.append(stored(package, tmp_path / f"version-{number + 1}"))


def stored(package, folder):
    write_package(package, folder)
    return stored_package(folder, package)
