"""The middle tier: decoded packages in main memory; the least popular make room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from r3mes_ray.types import AdapterId, Cid

T = TypeVar("T")


class RamTier(Generic[T]):
    """Values within a budget of bytes, by the adapter that each was checked as: its name, its version and its CID.

    A value larger than the whole budget is not kept.
    """

    def __init__(self, capacity_bytes: int, size_of: Callable[[T], int], rank: Callable[[AdapterId], float]) -> None:
        self._capacity, self._size_of, self._rank = capacity_bytes, size_of, rank
        self._values: dict[AdapterId, T] = {}
        self.used_bytes = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, adapter: AdapterId) -> bool:
        return adapter in self._values

    @property
    def cids(self) -> tuple[Cid, ...]:
        """What is kept."""
        return tuple(adapter.cid for adapter in self._values if adapter.cid is not None)

    def get(self, adapter: AdapterId) -> T | None:
        """The value."""
        return self._values.get(adapter)

    def put(self, adapter: AdapterId, value: T) -> None:
        """Keep a value."""
        size = self._size_of(value)
        if adapter in self._values or size > self._capacity:
            return
        while self.used_bytes + size > self._capacity:
            evicted = self._values.pop(min(self._values, key=self._rank))
            self.used_bytes -= self._size_of(evicted)
            self.evictions += 1
        self._values[adapter] = value
        self.used_bytes += size
