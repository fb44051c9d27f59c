"""Pages of a list, by the SDK's rules: `key` continues where the last page ended, `offset` counts from the start."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from r3mes_ray.errors import InvalidInput
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest, PageResponse

T = TypeVar("T")

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000


def page(entries: Iterable[tuple[bytes, T]], request: PageRequest) -> tuple[list[T], PageResponse]:
    """One page of entries that come by ascending, or in any fixed, order; each key is unique.

    The total is counted when it is asked for, or when there is no `key`, at the cost of reading everything.

    Raises:
        InvalidInput: both `key` and `offset`, or a key that names no entry.
    """
    if request.key and request.offset:
        raise InvalidInput("pagination", "give a key or an offset, not both")
    limit = min(request.limit or DEFAULT_LIMIT, MAX_LIMIT)
    rows = list(entries)
    if request.reverse:
        rows.reverse()
    start = _position(rows, request.key) if request.key else request.offset
    taken = list(islice(rows, start, start + limit))
    following = rows[start + limit][0] if start + limit < len(rows) else b""
    total = len(rows) if request.count_total or not request.key else 0
    return [record for _, record in taken], PageResponse(next_key=following, total=total)


def _position(rows: list[tuple[bytes, T]], key: bytes) -> int:
    for position, (found, _) in enumerate(rows):
        if found == key:
            return position
    raise InvalidInput("pagination", "the key names no entry; take next_key from the last page")
