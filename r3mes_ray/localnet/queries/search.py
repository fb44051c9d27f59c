"""The part of CometBFT's query language that clients use: equalities and heights, joined by AND."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.node import ChainNode

_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
_EQUAL = re.compile(r"\s*([A-Za-z0-9_.]+)\s*=\s*'([^']*)'\s*")
_HEIGHT = re.compile(r"\s*(?:tx|block)\.height\s*(=|>=|<=|>|<)\s*'?(\d{1,18})'?\s*")
_MAX_CHARS = 2_000
_MAX_CONDITIONS = 8


@dataclass(frozen=True, slots=True)
class TxQuery:
    """A parsed query: attributes that must be equal, heights `low` to `high`, and perhaps one hash."""

    attributes: tuple[tuple[str, str], ...]
    low: int
    high: int
    tx_hash: bytes | None

    def without(self, name: str) -> TxQuery:
        """The query without the conditions on one attribute."""
        return replace(self, attributes=tuple(pair for pair in self.attributes if pair[0] != name))


def parse_query(text: str) -> TxQuery:
    """Parse a query.

    Raises:
        InvalidInput: it is too long, or has a condition of another form.
    """
    parts = _AND.split(text)
    if len(text) > _MAX_CHARS or len(parts) > _MAX_CONDITIONS:
        raise InvalidInput("query", f"at most {_MAX_CONDITIONS} conditions in {_MAX_CHARS} characters")
    attributes: list[tuple[str, str]] = []
    low, high, tx_hash = 0, 2**62, None
    for part in parts:
        if height := _HEIGHT.fullmatch(part):
            number = int(height[2])
            low = max(low, {"=": number, ">=": number, ">": number + 1}.get(height[1], low))
            high = min(high, {"=": number, "<=": number, "<": number - 1}.get(height[1], high))
        elif equal := _EQUAL.fullmatch(part):
            if equal[1] == "tx.hash":
                tx_hash = _hash(equal[2])
            else:
                attributes.append((equal[1], equal[2]))
        else:
            raise InvalidInput("query", f"{part[:80]!r}: expected type.key='value' or tx.height>=1")
    return TxQuery(tuple(attributes), low, high, tx_hash)


def find(node: ChainNode, query: TxQuery) -> list[tuple[int, int]]:
    """Height and position of the transactions that a query names, ascending."""
    if query.tx_hash is not None:
        place = node.store.place(query.tx_hash)
        places = [] if place is None else [place]
        if query.attributes:
            places = [place for place in places if place in node.store.find_txs(query.attributes)]
    elif query.attributes:
        places = node.store.find_txs(query.attributes)
    else:
        places = node.store.places(query.low, query.high)
    return [place for place in places if query.low <= place[0] <= query.high]


def find_blocks(node: ChainNode, query: TxQuery) -> list[int]:
    """Heights of the blocks whose own events a query names, ascending."""
    if query.attributes:
        heights = node.store.find_blocks(query.attributes)
    else:
        heights = list(range(max(query.low, 1), min(query.high, node.height) + 1))
    return [height for height in heights if query.low <= height <= query.high]


def matches(query: TxQuery, values: Mapping[str, Sequence[str]], height: int, tx_hash: bytes) -> bool:
    """Whether a query names an event with these attribute values."""
    named = all(value in values.get(name, ()) for name, value in query.attributes)
    return named and query.low <= height <= query.high and query.tx_hash in (None, tx_hash)


def _hash(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise InvalidInput("query", f"{text[:80]!r} is not hex") from error
