"""The tiered cache: engine slots, main memory, content store.

What a request uses is never evicted; an adapter is fetched, verified and made ready for its slot before another makes
room for it; and however many requests wait for one adapter, it is loaded once. A request that is cancelled leaves the
load running. Where every slot is in use, the adapter that will be idle soonest takes no new requests until the waiting
one has its slot, so that a hot adapter cannot keep a cold one out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.serving.adapters.packages import Fetch, Packages
from r3mes_ray.serving.adapters.popularity import Popularity
from r3mes_ray.serving.adapters.ram import RamTier
from r3mes_ray.serving.adapters.refusals import Refusals
from r3mes_ray.serving.adapters.slots import Occupant, SlotTable
from r3mes_ray.serving.inference.base import BASE_SLOT, PreparedAdapter
from r3mes_ray.serving.reports import CacheStats
from r3mes_ray.types import AdapterId

PREPARED_AT_ONCE = 4
"""Loads that are prepared and wait for a slot: they are taken up in turn, and each holds memory beside the budgets."""
PINNED_SHARE = 0.5
"""Of the engine's slots and bytes that pinned adapters may take; the rest is for all others."""


class SlotEngine(Protocol):
    """What the cache needs of an `InferenceBackend`."""

    async def prepare(self, package: AdapterPackage) -> PreparedAdapter:
        """Make an adapter ready for a slot."""
        ...

    async def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Fill a slot, or empty it."""
        ...


@dataclass(slots=True)
class _Flight:
    """A load under way, and how many requests wait for it."""

    task: asyncio.Task[Occupant]
    waiters: int = 0


class AdapterCache:
    """The adapters of one engine; used from one event loop."""

    def __init__(
        self,
        engine: SlotEngine,
        fetch: Fetch,
        size_of: Callable[[AdapterPackage], int],
        *,
        slots: int,
        slot_bytes: int,
        ram_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._popularity, self._refusals = Popularity(), Refusals(clock)
        self._slots = SlotTable(slots, slot_bytes, self._popularity.rank)
        self._ram: RamTier[AdapterPackage] = RamTier(ram_bytes, size_of, self._popularity.rank)
        self._packages = Packages(fetch, self._ram, self._refusals)
        self._flights: dict[AdapterId, _Flight] = {}
        self._ahead = asyncio.Semaphore(PREPARED_AT_ONCE)
        self._placing = asyncio.Lock()
        self._released = asyncio.Event()
        self._yielding: AdapterId | None = None
        self._slot_hits = self._slot_evictions = 0

    @asynccontextmanager
    async def lease(self, adapter: AdapterId | None) -> AsyncIterator[int]:
        """Hold an adapter in its slot for the length of the block; `None` and version 0 are the base.

        Raises:
            ContentNotFound: no store has the package.
            ContentCorrupt: its bytes do not have its hash.
            PackageRejected: it breaks a rule, is of another base, or is larger than the engine's budget.
        """
        if adapter is None or adapter.cid is None:
            yield BASE_SLOT
            return
        occupant = await self._hold(adapter)
        try:
            yield occupant.slot
        finally:
            self._release(occupant)

    async def check(self, adapter: AdapterId) -> None:
        """Fetch, verify and prepare an adapter, also one that failed; no slot changes, and it counts as no request.

        Raises what `lease` raises.
        """
        self._refusals.forget(adapter)
        if adapter.cid is None or self._slots.find(adapter) is not None:
            return
        try:
            prepared = await self._engine.prepare(await self._packages.get(adapter))
            self._check_size(adapter, prepared.nbytes, self._slots.capacity_bytes)
        except PackageRejected as error:
            self._refusals.remember(adapter, error)
            raise

    async def preload(self, adapter: AdapterId) -> None:
        """Bring an adapter into a slot ahead of its first request, also one that failed. Raises what `lease` raises."""
        self._refusals.forget(adapter)
        async with self.lease(adapter):
            pass

    def prefetch(self, adapter: AdapterId) -> None:
        """Bring an adapter into main memory in the background: it may be asked for next. No slot changes."""
        if adapter.cid is None or self._slots.find(adapter) is not None:
            return
        if self._packages.prefetch(adapter):
            # It counts as asked for once: else the next package that comes in would push it out first of all.
            self._popularity.touch(adapter)

    async def pin(self, adapter: AdapterId) -> None:
        """Load an adapter and keep it in its slot until it is unpinned.

        Raises:
            PackageRejected: pins would take more than `PINNED_SHARE` of slots or bytes; and what `lease` raises.
        """
        if adapter.cid is None:
            return
        self._refusals.forget(adapter)
        occupant = await self._hold(adapter)
        try:
            if not occupant.pinned:
                self._check_pin(occupant)
            occupant.pinned = True
        finally:
            self._release(occupant)

    def unpin(self, adapter: AdapterId) -> None:
        """Let an adapter be evicted again."""
        occupant = self._slots.find(adapter)
        if occupant is not None:
            occupant.pinned = False
            self._released.set()

    def stats(self) -> CacheStats:
        """Counters and contents."""
        return CacheStats(
            slot_hits=self._slot_hits,
            ram_hits=self._packages.hits,
            fetches=self._packages.fetches,
            slot_evictions=self._slot_evictions,
            ram_evictions=self._ram.evictions,
            slot_bytes=self._slots.used_bytes,
            ram_bytes=self._ram.used_bytes,
            resident=self._slots.cids,
            prefetches=self._packages.prefetches,
            refused=len(self._refusals),
            in_ram=self._ram.cids,
            pinned=self._slots.pinned,
        )

    def _check_pin(self, occupant: Occupant) -> None:
        limit = int(self._slots.capacity_bytes * PINNED_SHARE)
        if self._slots.pinned_bytes + occupant.size > limit:
            detail = f"pinned adapters may take {limit} bytes together; unpin another, or raise --vram-capacity"
            raise PackageRejected("capacity", str(occupant.adapter), detail)
        limit = int(self._slots.slots * PINNED_SHARE)
        if len(self._slots.pinned) >= limit:
            detail = f"pinned adapters may take {limit} of {self._slots.slots} slots"
            hint = "unpin another, or raise serving.engine.max_adapters"
            raise PackageRejected("capacity", str(occupant.adapter), f"{detail}; {hint}")

    def _check_size(self, adapter: AdapterId, size: int, room: int) -> None:
        if size > room:
            detail = f"needs {size} bytes, but adapters that are not pinned have {room} together"
            raise PackageRejected("capacity", str(adapter), f"{detail}; raise --vram-capacity")

    async def _hold(self, adapter: AdapterId) -> Occupant:
        self._popularity.touch(adapter)
        occupant = None if adapter == self._yielding else self._slots.find(adapter)
        if occupant is not None:
            self._slot_hits += 1
            occupant.uses += 1
            return occupant
        flight = self._flights.get(adapter) or self._depart(adapter)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            flight.waiters -= 1
            if flight.task.done() and not flight.task.cancelled() and flight.task.exception() is None:
                self._release(flight.task.result())
            raise

    def _depart(self, adapter: AdapterId) -> _Flight:
        self._refusals.check(adapter)
        flight = self._flights[adapter] = _Flight(asyncio.create_task(self._load(adapter)))
        # Without a waiter left nobody would look at a failure; the next request tries again and gets its own.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _load(self, adapter: AdapterId) -> Occupant:
        try:
            occupant = await self._found(adapter) or await self._placed(adapter)
            # From here to the end nothing awaits: every waiter that is counted now holds the adapter.
            occupant.uses += self._flights[adapter].waiters
            return occupant
        except PackageRejected as error:
            self._refusals.remember(adapter, error)
            raise
        finally:
            del self._flights[adapter]

    async def _found(self, adapter: AdapterId) -> Occupant | None:
        """An adapter that sits in a slot still, once those before it have theirs: it may have had to yield."""
        if self._slots.find(adapter) is None:
            return None
        async with self._placing:
            return self._slots.find(adapter)

    async def _placed(self, adapter: AdapterId) -> Occupant:
        """Fetch and prepare beside the loads that wait for a slot, and only then join them."""
        package = await self._packages.get(adapter)
        async with self._ahead:
            prepared = await self._engine.prepare(package)
            async with self._placing:
                return self._slots.find(adapter) or await self._fill(adapter, prepared)

    async def _fill(self, adapter: AdapterId, prepared: PreparedAdapter) -> Occupant:
        occupant = await self._reserve(adapter, prepared.nbytes)
        try:
            await self._engine.place(occupant.slot, prepared)
        except BaseException:
            self._slots.remove(occupant)
            raise
        occupant.ready = True
        return occupant

    async def _reserve(self, adapter: AdapterId, size: int) -> Occupant:
        """Reserve a slot: evict what is idle, and wait for a request to end where nothing is."""
        room = self._slots.capacity_bytes - self._slots.pinned_bytes
        self._check_size(adapter, size, room)
        try:
            while (occupant := self._slots.place(adapter, size)) is None:
                await self._make_room()
        finally:
            self._yielding = None
        return occupant

    async def _make_room(self) -> None:
        victim = self._slots.victim()
        if victim is not None:
            self._slots.remove(victim)
            self._slot_evictions += 1
            await self._engine.place(victim.slot, None)
            return
        least = self._slots.least_used()
        self._yielding = None if least is None else least.adapter
        self._released.clear()
        await self._released.wait()

    def _release(self, occupant: Occupant) -> None:
        occupant.uses -= 1
        self._released.set()
