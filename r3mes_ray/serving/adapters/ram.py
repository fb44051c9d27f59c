"""The middle tier: decoded packages in main memory, least recently used first out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from r3mes_ray.types import Cid

T = TypeVar("T")


class RamTier(Generic[T]):
    """Values by CID within a budget of bytes. A value larger than the whole budget is not kept."""

    def __init__(self, capacity_bytes: int, size_of: Callable[[T], int]) -> None:
        self._capacity, self._size_of = capacity_bytes, size_of
        self._values: OrderedDict[Cid, T] = OrderedDict()
        self.used_bytes = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, cid: Cid) -> T | None:
        """The value, which becomes the most recently used."""
        value = self._values.get(cid)
        if value is not None:
            self._values.move_to_end(cid)
        return value

    def put(self, cid: Cid, value: T) -> None:
        """Keep a value; the least recently used make room."""
        size = self._size_of(value)
        if cid in self._values or size > self._capacity:
            return
        while self.used_bytes + size > self._capacity:
            _, evicted = self._values.popitem(last=False)
            self.used_bytes -= self._size_of(evicted)
            self.evictions += 1
        self._values[cid] = value
        self.used_bytes += size
