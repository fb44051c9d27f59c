"""Amounts of coins as text and as messages, in canonical form only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from r3mes_ray.localnet.codes import INVALID_COINS, Refused
from r3mes_ray.localnet.genesis import DENOM_PATTERN
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

_AMOUNT = re.compile(r"[1-9][0-9]{0,77}")
_DENOM = re.compile(DENOM_PATTERN)
_COIN = re.compile(r"([1-9][0-9]{0,77})([a-zA-Z][a-zA-Z0-9/:._-]{2,127})")
_MAX = 2**256


def parse_coin(coin: Coin) -> tuple[str, int]:
    """Denomination and amount of one positive coin.

    Raises:
        Refused: INVALID_COINS.
    """
    if _DENOM.fullmatch(coin.denom) is None:
        raise Refused(INVALID_COINS, f"{coin.denom[:40]!r} is not a denomination")
    if _AMOUNT.fullmatch(coin.amount) is None or int(coin.amount) >= _MAX:
        raise Refused(INVALID_COINS, f"{coin.amount[:90]!r} is not a positive amount")
    return coin.denom, int(coin.amount)


def parse_coins(coins: Iterable[Coin]) -> dict[str, int]:
    """Amounts by denomination, which must ascend strictly.

    Raises:
        Refused: INVALID_COINS.
    """
    parsed = [parse_coin(coin) for coin in coins]
    names = [denom for denom, _ in parsed]
    if names != sorted(set(names)):
        raise Refused(INVALID_COINS, "denominations must be sorted and unique")
    return dict(parsed)


def parse_coin_text(text: str) -> tuple[str, int]:
    """Denomination and amount of a text such as `1000uremes`.

    Raises:
        Refused: INVALID_COINS.
    """
    match = _COIN.fullmatch(text)
    if match is None or int(match[1]) >= _MAX:
        raise Refused(INVALID_COINS, f"{text[:90]!r} is not an amount with its denomination, such as 1000uremes")
    return match[2], int(match[1])
