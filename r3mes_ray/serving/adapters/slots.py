"""The upper tier: which adapter is in which slot of the engine, and how many requests use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from r3mes_ray.types import AdapterId, Cid


@dataclass(slots=True)
class Occupant:
    """An adapter in a slot; `uses` requests hold it. It is `ready` once the engine has it."""

    adapter: AdapterId
    slot: int
    size: int
    uses: int = 0
    ready: bool = False
    pinned: bool = False


class SlotTable:
    """Slots 0 … n-1 within a budget of bytes; it decides, the cache moves the bytes.

    An adapter is found by its name, its version and its CID together, as which its package was checked.
    """

    def __init__(self, slots: int, capacity_bytes: int, rank: Callable[[AdapterId], float]) -> None:
        self._slots, self._capacity, self._rank = slots, capacity_bytes, rank
        self._occupants: dict[AdapterId, Occupant] = {}
        self._free = set(range(slots))

    @property
    def slots(self) -> int:
        """How many there are."""
        return self._slots

    @property
    def capacity_bytes(self) -> int:
        """The budget."""
        return self._capacity

    @property
    def used_bytes(self) -> int:
        """Bytes of what is in the slots."""
        return sum(occupant.size for occupant in self._occupants.values())

    @property
    def pinned_bytes(self) -> int:
        """Bytes of what must stay."""
        return sum(occupant.size for occupant in self._occupants.values() if occupant.pinned)

    @property
    def cids(self) -> tuple[Cid, ...]:
        """What is in the slots."""
        return _cids(self._occupants)

    @property
    def pinned(self) -> tuple[Cid, ...]:
        """What must stay."""
        return _cids(adapter for adapter, occupant in self._occupants.items() if occupant.pinned)

    def find(self, adapter: AdapterId) -> Occupant | None:
        """An adapter that is ready for use."""
        occupant = self._occupants.get(adapter)
        return occupant if occupant is not None and occupant.ready else None

    def place(self, adapter: AdapterId, size: int) -> Occupant | None:
        """Reserve a slot; `None` where no slot or not enough bytes are free."""
        if not self._free or self.used_bytes + size > self._capacity:
            return None
        occupant = self._occupants[adapter] = Occupant(adapter, min(self._free), size)
        self._free.remove(occupant.slot)
        return occupant

    def victim(self) -> Occupant | None:
        """The least popular adapter that no request uses and nobody pinned."""
        idle = [occupant for occupant in self._movable() if occupant.uses == 0]
        return min(idle, key=lambda occupant: self._rank(occupant.adapter), default=None)

    def least_used(self) -> Occupant | None:
        """The adapter that will be idle soonest if nobody takes it up again; `None` where all are pinned."""
        return min(self._movable(), key=lambda occupant: (occupant.uses, self._rank(occupant.adapter)), default=None)

    def remove(self, occupant: Occupant) -> None:
        """Free a slot."""
        del self._occupants[occupant.adapter]
        self._free.add(occupant.slot)

    def _movable(self) -> list[Occupant]:
        return [occupant for occupant in self._occupants.values() if occupant.ready and not occupant.pinned]


def _cids(adapters: Iterable[AdapterId]) -> tuple[Cid, ...]:
    return tuple(adapter.cid for adapter in adapters if adapter.cid is not None)
