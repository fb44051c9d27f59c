"""Gas and fees."""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation

from r3mes_ray.chain.records import Coin
from r3mes_ray.errors import InvalidInput

_COIN = re.compile(r"([0-9]{1,78})([a-zA-Z][a-zA-Z0-9/:._-]{2,127})")
_EXACT = Context(prec=200)


def adjusted(simulated: int, factor: float) -> int:
    """Gas to ask for: what the simulation used, times a factor, rounded up."""
    return math.ceil(simulated * factor)


def fee_for(gas: int, price: str, denom: str) -> tuple[Coin, ...]:
    """The fee of `gas` at a decimal `price` for one unit, rounded up; a fee of nothing is no coin.

    Raises:
        InvalidInput: a price that is no decimal, or below zero.
    """
    try:
        amount = _EXACT.multiply(Decimal(price), Decimal(gas))
    except InvalidOperation as error:
        raise InvalidInput("gas price", f"{price[:40]!r} is not a decimal") from error
    if not amount.is_finite() or amount < 0:
        raise InvalidInput("gas price", f"{price[:40]!r} is not a decimal of at least 0")
    rounded = int(amount.to_integral_value(ROUND_CEILING, _EXACT))
    return (Coin(rounded, denom),) if rounded else ()


def parse_coins(text: str) -> tuple[Coin, ...]:
    """Coins of a text such as `5uremes,1aaa`: sorted by denomination, as the chain wants them.

    Raises:
        InvalidInput: another text, an amount of 0, or a denomination twice.
    """
    coins: list[Coin] = []
    for part in text.split(","):
        found = _COIN.fullmatch(part.strip())
        if found is None or int(found[1]) == 0:
            raise InvalidInput("amount", f"{part[:80]!r} is not a positive amount with its denomination, like 5uremes")
        coins.append(Coin(int(found[1]), found[2]))
    if len({coin.denom for coin in coins}) != len(coins):
        raise InvalidInput("amount", f"{text[:80]!r} names a denomination twice")
    return tuple(sorted(coins, key=lambda coin: coin.denom))
