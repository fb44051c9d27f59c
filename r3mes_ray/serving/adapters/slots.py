"""The upper tier: which adapter is in which slot of the engine, and how many requests use it."""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.types import Cid


@dataclass(slots=True)
class Occupant:
    """An adapter in a slot; `uses` requests hold it, and `touched` orders the slots by last use."""

    cid: Cid
    slot: int
    size: int
    uses: int = 0
    touched: int = 0


class SlotTable:
    """Slots 0 … n-1 within a budget of bytes; it decides, the cache moves the bytes."""

    def __init__(self, slots: int, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._occupants: dict[Cid, Occupant] = {}
        self._free = set(range(slots))
        self._turn = 0

    @property
    def capacity_bytes(self) -> int:
        """The budget."""
        return self._capacity

    @property
    def used_bytes(self) -> int:
        """Bytes of what is in the slots."""
        return sum(occupant.size for occupant in self._occupants.values())

    @property
    def cids(self) -> tuple[Cid, ...]:
        """What is in the slots."""
        return tuple(self._occupants)

    def hold(self, cid: Cid) -> Occupant | None:
        """Take an adapter into use; `None` where it is in no slot."""
        occupant = self._occupants.get(cid)
        if occupant is not None:
            self._turn += 1
            occupant.uses += 1
            occupant.touched = self._turn
        return occupant

    def release(self, occupant: Occupant) -> None:
        """End one use."""
        occupant.uses -= 1

    def place(self, cid: Cid, size: int) -> Occupant | None:
        """Reserve a slot in use once; `None` where no slot or not enough bytes are free."""
        if not self._free or self.used_bytes + size > self._capacity:
            return None
        occupant = Occupant(cid, min(self._free), size)
        self._free.remove(occupant.slot)
        self._occupants[cid] = occupant
        return self.hold(cid)

    def victim(self) -> Occupant | None:
        """The least recently used adapter that no request uses."""
        idle = [occupant for occupant in self._occupants.values() if occupant.uses == 0]
        return min(idle, key=lambda occupant: occupant.touched, default=None)

    def remove(self, occupant: Occupant) -> None:
        """Free a slot."""
        del self._occupants[occupant.cid]
        self._free.add(occupant.slot)
