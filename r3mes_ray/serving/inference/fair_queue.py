"""Who is next: a queue for each adapter, so that one that everybody asks for cannot starve the others."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class _Asked(Protocol):
    @property
    def slot(self) -> int: ...


T = TypeVar("T", bound=_Asked)


class FairQueue(Generic[T]):
    """What waits, by slot; in a slot the first come first. Not thread-safe."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[T]] = {}
        self._served: dict[int, int] = {}
        self._turn = 0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def __iter__(self) -> Iterator[T]:
        return (item for queue in self._waiting.values() for item in queue)

    def push(self, item: T) -> None:
        """Queue an item behind those of its slot."""
        self._waiting.setdefault(item.slot, deque()).append(item)

    def pop(self, running: Iterable[int]) -> T:
        """The first of the slot with the fewest in `running`; of equals, of the one that was served longest ago."""
        often = Counter(running)
        slot = min(self._waiting, key=lambda slot: (often[slot], self._served.get(slot, 0)))
        self._turn += 1
        self._served[slot] = self._turn
        item = self._waiting[slot].popleft()
        self._tidy()
        return item

    def displace(self, slot: int) -> T | None:
        """Make room for an item of `slot`: the newest of the longest queue leaves, if that queue stays the longer."""
        longest = max(self._waiting, key=lambda one: len(self._waiting[one]), default=slot)
        if len(self._waiting.get(longest, ())) <= len(self._waiting.get(slot, ())) + 1:
            return None
        return self._waiting[longest].pop()

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drop all others."""
        for slot, queue in self._waiting.items():
            self._waiting[slot] = deque(item for item in queue if wanted(item))
        self._tidy()

    def clear(self) -> list[T]:
        """Empty it, and return what was in it."""
        items = list(self)
        self._waiting.clear()
        return items

    def _tidy(self) -> None:
        self._waiting = {slot: queue for slot, queue in self._waiting.items() if queue}
        # A slot that was long not served may come next all the same: its last turn is of no use then.
        self._served = {slot: turn for slot, turn in self._served.items() if turn > self._turn - 1000}
