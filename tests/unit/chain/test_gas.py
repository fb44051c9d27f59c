from __future__ import annotations

import pytest

from r3mes_ray.chain.gas import adjusted, fee_for, parse_coins
from r3mes_ray.chain.records import Coin
from r3mes_ray.errors import InvalidInput


def test_fee_for_is_rounded_up() -> None:
    assert fee_for(70_001, "0.025", "uremes") == (Coin(1751, "uremes"),)
    assert fee_for(200_000, "0.025", "uremes") == (Coin(5000, "uremes"),)


def test_fee_for_large_gas_stays_exact() -> None:
    assert fee_for(2**62, "0.1", "uremes") == (Coin(461168601842738791, "uremes"),)


def test_fee_for_price_of_nothing_is_no_coin() -> None:
    assert fee_for(200_000, "0", "uremes") == ()


@pytest.mark.parametrize("price", ["", "x", "-0.1", "nan", "inf", "1,5"])
def test_fee_for_wrong_price_is_refused(price: str) -> None:
    with pytest.raises(InvalidInput, match="gas price"):
        fee_for(1, price, "uremes")


def test_adjusted_is_rounded_up() -> None:
    assert adjusted(50_001, 1.4) == 70_002


def test_parse_coins_are_sorted_by_denomination() -> None:
    assert parse_coins("5uremes,1aaa") == (Coin(1, "aaa"), Coin(5, "uremes"))
    assert parse_coins("340282366920938463463374607431768211455uremes")[0].amount == 2**128 - 1


@pytest.mark.parametrize(
    "text", ["", "5", "uremes", "-5uremes", "0uremes", "5 uremes", "5uremes,", "1a", "5uremes,6uremes"]
)
def test_parse_coins_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="amount"):
        parse_coins(text)
