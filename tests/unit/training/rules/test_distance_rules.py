"""Literal numbers on a line and in a plane, and what every rule that works on distances promises."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidAggregate, InvalidInput
from r3mes_ray.training.rules import (
    COORDINATE_RULES,
    LARGEST_FAULTS,
    RULES,
    RuleInput,
    RuleParameters,
    check_parameters,
    decide,
    faults_borne,
    least_updates,
)
from r3mes_ray.training.rules.dense import aggregate_rows
from r3mes_ray.training.rules.geometry import median

ROBUST = sorted(set(RULES) - {"mean"})


def on_line(*points):
    x = torch.tensor([points], dtype=torch.float64).T
    return RuleInput((1.0,) * len(points), lambda: x @ x.T)


def test_krum_takes_the_point_of_the_tightest_group():
    decision = RULES["krum"](on_line(1.0, 1.1, 1.3, 9.0, 5.0), RuleParameters(faults=1))
    assert decision.coefficients == (0.0, 1.0, 0.0, 0.0, 0.0)
    assert [round(entry.value, 6) for entry in decision.evidence] == [0.1, 0.05, 0.13, 75.29, 28.9]


def test_multi_krum_averages_the_best():
    decision = RULES["multi-krum"](on_line(1.0, 1.1, 1.3, 9.0, 5.0), RuleParameters(faults=1, keep=2))
    assert decision.coefficients == (0.5, 0.5, 0.0, 0.0, 0.0)


def test_minimum_diameter_leaves_out_the_far_end():
    decision = RULES["mda"](on_line(4.0, 1.0, 1.2, 1.1), RuleParameters(faults=1))
    assert decision.coefficients == (0.0, 1 / 3, 1 / 3, 1 / 3)
    assert decision.evidence[0].value == pytest.approx(0.2)


def test_minimum_diameter_refuses_a_search_without_end():
    points = on_line(*[float(number) for number in range(40)])
    with pytest.raises(InvalidAggregate, match="subsets"):
        RULES["mda"](points, RuleParameters(faults=15))


def test_geometric_median_of_a_line_is_its_median():
    given = on_line(1.0, 2.0, 100.0)
    point = RULES["geometric-median"](given, RuleParameters(iterations=200)).coefficients
    assert point[0] + 2 * point[1] + 100 * point[2] == pytest.approx(2.0, abs=1e-3)


def test_geometric_median_of_equal_updates_is_that_update():
    point = RULES["geometric-median"](on_line(0.0, 0.0), RuleParameters()).coefficients
    assert point == (0.5, 0.5)


def test_centered_clipping_moves_by_what_is_within_the_radius():
    decision = RULES["centered-clipping"](on_line(1.0, 1.0, 10.0, -4.0), RuleParameters(radius=2.0, iterations=1))
    assert decision.coefficients == (0.25, 0.25, 0.05, 0.125)


def test_median_norm_clips_the_long_ones():
    decision = RULES["median-norm"](on_line(1.0, 2.0, 8.0), RuleParameters(weight_cap=3))
    assert decision.coefficients == pytest.approx((1 / 3, 1 / 3, 1 / 12))


def test_monna_averages_those_nearest_to_the_start():
    decision = RULES["monna"](on_line(1.0, -9.0, 2.0, 3.0), RuleParameters(faults=2))
    assert decision.coefficients == (0.5, 0.0, 0.5, 0.0)


def test_mixing_turns_coefficients_back_to_the_updates():
    """NNM with one liar of three: 0 and 1 become their mean, 9 becomes that of 1 and 9."""
    decision = decide(RULES["mean"], on_line(0.0, 1.0, 9.0), RuleParameters(faults=1, before="nnm"))
    assert decision.coefficients == pytest.approx((1 / 3, 1 / 2, 1 / 6))


def test_adaptive_clipping_before_a_rule_shortens_the_longest():
    decision = decide(RULES["mean"], on_line(1.0, 2.0, 8.0), RuleParameters(faults=1, before="arc"))
    assert decision.coefficients == pytest.approx((1 / 3, 1 / 3, 1 / 12))


@pytest.mark.parametrize("rule", ROBUST)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.floats(1.0, 1e6))
def test_robust_rule_stays_near_the_honest_whatever_the_liars_send(rule, seed, size):
    """Deviation from the honest mean is at most 4 × the honest radius, for f inside the rule's breakdown bound.

    The published bounds are of this form, C·√(f/n)-ish × honest spread; the norm rules also pay for the honest norm.
    """
    generator = torch.Generator().manual_seed(seed)
    n = 9
    faults = min(2, LARGEST_FAULTS[rule](n))
    honest = torch.randn(n - faults, 6, generator=generator, dtype=torch.float64) * 0.1 + 1.0
    liars = torch.randn(faults, 6, generator=generator, dtype=torch.float64) * size
    found = aggregate_rows(torch.cat([honest, liars]), rule, RuleParameters(faults=faults))
    center = honest.mean(dim=0)
    radius = float((honest - center).norm(dim=1).max())
    length = float(honest.norm(dim=1).max())
    pulled = faults / n * 2 * length
    by_norm = {"median-norm": pulled, "centered-clipping": 2 * pulled, "monna": faults / (n - faults) * 2 * length}
    assert float((found - center).norm()) <= by_norm.get(rule, 0.0) + 4 * radius


@pytest.mark.parametrize("rule", ROBUST)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.floats(0.0, 1e6))
def test_robust_rule_breaks_down_under_no_weights(rule, seed, size):
    """As many liars as it bears, with the largest weights and a common aim: it stays within a constant of the honest.

    The constant is the geometric median's 2(1 − s)/(1 − 2s) for s = 17/36, which is 19; the norm rules pay by length.
    """
    generator = torch.Generator().manual_seed(seed)
    n = 9
    faults = LARGEST_FAULTS[rule](n)
    honest = torch.randn(n - faults, 6, generator=generator, dtype=torch.float64) * 0.1 + 1.0
    aim = torch.randn(1, 6, generator=generator, dtype=torch.float64) * size
    liars = aim + torch.randn(faults, 6, generator=generator, dtype=torch.float64) * 0.01
    weights = (1.0,) * (n - faults) + (8.0,) * faults
    found = aggregate_rows(torch.cat([honest, liars]), rule, RuleParameters(faults=faults), weights)
    center = honest.mean(dim=0)
    radius = float((honest - center).norm(dim=1).max())
    length = float(honest.norm(dim=1).max())
    paid = 2 * length if rule in ("median-norm", "centered-clipping", "monna") else 0.0
    assert float((found - center).norm()) <= paid + 20 * radius


@pytest.mark.parametrize("rule", sorted([*RULES, *COORDINATE_RULES]))
def test_rule_does_not_depend_on_the_order_of_the_updates(rule):
    generator = torch.Generator().manual_seed(3)
    rows = torch.randn(9, 5, generator=generator, dtype=torch.float64)
    order = torch.randperm(9, generator=generator)
    parameters = RuleParameters(faults=0 if rule == "mean" else 1)
    found = aggregate_rows(rows, rule, parameters)
    torch.testing.assert_close(aggregate_rows(rows[order], rule, parameters), found, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", sorted([*RULES, *COORDINATE_RULES]))
def test_rule_of_equal_updates_is_that_update(rule):
    rows = torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64).repeat(7, 1)
    parameters = RuleParameters(faults=0 if rule == "mean" else 2)
    torch.testing.assert_close(aggregate_rows(rows, rule, parameters), rows[0])


LEAST = {
    "mean": None,
    "krum": 7,
    "multi-krum": 7,
    "geometric-median": 5,
    "centered-clipping": 5,
    "mda": 5,
    "monna": 5,
    "median-norm": 5,
    "median": 5,
    "trimmed-mean": 5,
    "meamed": 5,
}


@pytest.mark.parametrize("rule", LEAST)
def test_two_liars_need_the_published_number_of_updates(rule):
    assert least_updates(rule, 2) == LEAST[rule]


def test_faults_that_a_round_cannot_bear_are_refused_or_lowered():
    assert faults_borne("krum", 4, RuleParameters(faults=1)) is None
    assert faults_borne("krum", 4, RuleParameters(faults=1, if_too_few="lower")) == 0
    assert faults_borne("krum", 5, RuleParameters(faults=1)) == 1


def test_parameters_that_a_rule_cannot_take_are_refused():
    with pytest.raises(InvalidInput, match="bears no liar"):
        check_parameters("mean", RuleParameters(faults=1))
    with pytest.raises(InvalidInput, match="mixes no updates"):
        check_parameters("median", RuleParameters(before="nnm"))
    check_parameters("multi-krum", RuleParameters(faults=1, before="nnm"))


@pytest.mark.parametrize(
    ("parameters", "readers"),
    [
        ({"keep": 3}, {"multi-krum"}),
        ({"iterations": 5}, {"geometric-median", "centered-clipping"}),
        ({"radius": 0.5}, {"centered-clipping"}),
    ],
)
def test_parameters_that_a_rule_does_not_read_are_refused(parameters, readers):
    for rule in [*RULES, *COORDINATE_RULES]:
        if rule in readers:
            check_parameters(rule, RuleParameters(**parameters))
        else:
            with pytest.raises(InvalidInput, match=f"{next(iter(parameters))}: {rule} reads none"):
                check_parameters(rule, RuleParameters(**parameters))


def test_parameters_that_no_round_within_its_limit_can_meet_are_refused():
    with pytest.raises(InvalidInput, match="multi-krum needs 12 updates, not 11"):
        check_parameters("multi-krum", RuleParameters(faults=2, keep=10, limit=11))
    with pytest.raises(InvalidInput, match="krum needs 7 updates, not 6"):
        check_parameters("krum", RuleParameters(faults=2, limit=6))
    check_parameters("multi-krum", RuleParameters(faults=2, keep=10, limit=12))
    check_parameters("krum", RuleParameters(faults=2, limit=6, if_too_few="lower"))


@pytest.mark.parametrize("keep", [6, 7, 1000])
def test_multi_krum_that_is_to_keep_liars_is_refused_or_keeps_fewer(keep):
    """Of seven updates with two liars it averages five at most; seven of seven would be the mean."""
    rows = torch.tensor([[1.0], [1.1], [1.2], [1.3], [1.4], [50.0], [60.0]], dtype=torch.float64)
    assert faults_borne("multi-krum", 7, RuleParameters(faults=2, keep=5)) == 2
    with pytest.raises(ValueError, match=f"takes {keep + 2} rows or more, got 7"):
        aggregate_rows(rows, "multi-krum", RuleParameters(faults=2, keep=keep))
    lowered = aggregate_rows(rows, "multi-krum", RuleParameters(faults=2, keep=keep, if_too_few="lower"))
    torch.testing.assert_close(lowered, torch.tensor([1.2], dtype=torch.float64))


def test_median_of_an_even_number_is_halfway():
    assert (median([4.0, 1.0]), median([3.0, 1.0, 2.0])) == (2.5, 2.0)
    assert math.isclose(median([1.0]), 1.0)
