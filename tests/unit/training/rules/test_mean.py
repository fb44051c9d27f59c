import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidInput
from r3mes_ray.training.rules import RuleInput, RuleParameters, rule_named
from r3mes_ray.training.rules.shares import capped_shares, largest_share, levelled_shares


def no_gram():
    raise AssertionError("the mean needs no distances")


def test_mean_of_equal_weights_is_equal_shares():
    decision = rule_named("mean")(RuleInput((5.0, 5.0, 5.0, 5.0), no_gram), RuleParameters())
    assert decision.coefficients == (0.25, 0.25, 0.25, 0.25)


def test_shares_below_the_cap_are_proportional():
    assert capped_shares([1, 2, 1], 2) == (0.25, 0.5, 0.25)


def test_shares_of_one_giant_are_cut_to_the_cap_and_the_rest_is_shared():
    shares = capped_shares([1e12, 1, 3, 0, 0, 0, 0, 0, 0, 0], 2)
    assert shares[0] == pytest.approx(0.2)
    assert shares[1] + shares[2] <= 0.4 + 1e-9
    assert sum(shares) == pytest.approx(1.0)


def test_shares_of_no_stake_at_all_are_equal():
    assert capped_shares([0, 0], 2) == (0.5, 0.5)


@pytest.mark.parametrize("weights", [[], [1.0, -1.0], [math.nan], [math.inf, 1.0]])
def test_shares_of_impossible_weights_raise(weights):
    with pytest.raises(ValueError, match="finite and not negative"):
        capped_shares(weights, 2)


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=30), st.integers(1, 5))
def test_shares_sum_to_one_and_respect_the_cap(weights, cap):
    shares = capped_shares(weights, cap)
    assert math.fsum(shares) == pytest.approx(1.0)
    assert max(shares) <= min(1.0, cap / len(weights)) * (1 + 1e-9)
    assert min(shares) >= 0


def test_shares_of_heavy_liars_are_levelled_below_one_half():
    """Capped alone they have 0.86 of 1; 4 of 9 equal ones have 0.444, halfway to one half is 0.472."""
    weights = [1.0] * 5 + [8.0] * 4
    assert math.fsum(capped_shares(weights, 2)[5:]) == pytest.approx(32 / 37)
    assert math.fsum(levelled_shares(weights, 2, 4)[5:]) == pytest.approx((4 / 9 + 1 / 2) / 2)


def test_shares_that_are_level_enough_stay_as_they_are():
    assert levelled_shares([1, 2, 1, 1, 1, 1], 2, 1) == capped_shares([1, 2, 1, 1, 1, 1], 2)
    assert levelled_shares([5, 1, 1], 2, 0) == capped_shares([5, 1, 1], 2)


def test_shares_of_few_chosen_updates_are_equal():
    assert levelled_shares([8, 8, 8, 1, 1], 2, 4) == pytest.approx([0.2] * 5)


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=30), st.integers(1, 5), st.data())
def test_levelled_shares_sum_to_one_in_the_order_of_weights_and_bound_any_f(weights, cap, data):
    faults = data.draw(st.integers(0, (len(weights) - 1) // 2))
    shares, capped = levelled_shares(weights, cap, faults), capped_shares(weights, cap)
    assert math.fsum(shares) == pytest.approx(1.0)
    assert max(shares) <= max(capped) * (1 + 1e-12)
    assert math.fsum(sorted(shares)[len(shares) - faults :]) <= largest_share(len(weights), faults) * (1 + 1e-12)
    if faults:
        assert largest_share(len(weights), faults) < 0.5
    for (one, a), (other, b) in zip(
        zip(weights, shares, strict=True), zip(weights[1:], shares[1:], strict=False), strict=False
    ):
        assert (one - other) * (a - b) >= -1e-9 * max(one, other)


def test_rule_of_an_unknown_name_raises():
    with pytest.raises(InvalidInput, match="unknown"):
        rule_named("krum-9000")
