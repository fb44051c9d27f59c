"""The tiered cache: engine slots, main memory, content store.

What a request uses is never evicted; an adapter is fetched, verified and decoded before another makes room for it; and
however many requests wait for one adapter, it is fetched once. A request that is cancelled leaves the load running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.serving.adapters.ram import RamTier
from r3mes_ray.serving.adapters.slots import Occupant, SlotTable
from r3mes_ray.serving.inference.base import BASE_SLOT
from r3mes_ray.serving.reports import CacheStats
from r3mes_ray.types import AdapterId, Cid

Fetch: TypeAlias = Callable[[AdapterId], Awaitable[AdapterPackage]]
"""An adapter's verified package, from the content store."""


class SlotEngine(Protocol):
    """What the cache needs of an `InferenceBackend`."""

    async def load(self, slot: int, package: AdapterPackage) -> None:
        """Put an adapter into a slot."""
        ...

    async def unload(self, slot: int) -> None:
        """Empty a slot."""
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
    ) -> None:
        self._engine, self._fetch, self._size_of = engine, fetch, size_of
        self._slots = SlotTable(slots, slot_bytes)
        self._ram: RamTier[AdapterPackage] = RamTier(ram_bytes, size_of)
        self._flights: dict[Cid, _Flight] = {}
        self._placing = asyncio.Lock()
        self._released = asyncio.Event()
        self._slot_hits = self._ram_hits = self._fetches = self._slot_evictions = 0

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
        occupant = await self._hold(adapter, adapter.cid)
        try:
            yield occupant.slot
        finally:
            self._release(occupant)

    async def preload(self, adapter: AdapterId) -> None:
        """Bring an adapter into a slot ahead of its first request. Raises what `lease` raises."""
        async with self.lease(adapter):
            pass

    def stats(self) -> CacheStats:
        """Counters and contents."""
        return CacheStats(
            slot_hits=self._slot_hits,
            ram_hits=self._ram_hits,
            fetches=self._fetches,
            slot_evictions=self._slot_evictions,
            ram_evictions=self._ram.evictions,
            slot_bytes=self._slots.used_bytes,
            ram_bytes=self._ram.used_bytes,
            resident=self._slots.cids,
        )

    async def _hold(self, adapter: AdapterId, cid: Cid) -> Occupant:
        held = None if cid in self._flights else self._slots.hold(cid)
        if held is not None:
            self._slot_hits += 1
            return held
        flight = self._flights.get(cid) or self._depart(adapter, cid)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            flight.waiters -= 1
            if flight.task.done() and flight.task.exception() is None:
                self._release(flight.task.result())
            raise

    def _depart(self, adapter: AdapterId, cid: Cid) -> _Flight:
        flight = self._flights[cid] = _Flight(asyncio.create_task(self._load(adapter, cid)))
        # Without a waiter left nobody would look at a failure; the next request tries again and gets its own.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _load(self, adapter: AdapterId, cid: Cid) -> Occupant:
        try:
            package = await self._package(adapter, cid)
            async with self._placing:
                occupant = await self._place(cid, self._size_of(package))
                try:
                    await self._engine.load(occupant.slot, package)
                except BaseException:
                    self._slots.remove(occupant)
                    raise
            # From here to the end nothing awaits: every waiter that is counted now holds the adapter.
            occupant.uses = self._flights[cid].waiters
            return occupant
        finally:
            del self._flights[cid]

    async def _package(self, adapter: AdapterId, cid: Cid) -> AdapterPackage:
        package = self._ram.get(cid)
        if package is not None:
            self._ram_hits += 1
            return package
        self._fetches += 1
        package = await self._fetch(adapter)
        self._ram.put(cid, package)
        return package

    async def _place(self, cid: Cid, size: int) -> Occupant:
        """Reserve a slot: evict what is idle, and wait for a request to end where nothing is."""
        if size > self._slots.capacity_bytes:
            detail = f"needs {size} bytes, but the engine's adapters have {self._slots.capacity_bytes} together"
            raise PackageRejected("capacity", cid, f"{detail}; raise --vram-capacity")
        while True:
            occupant = self._slots.place(cid, size)
            if occupant is not None:
                return occupant
            victim = self._slots.victim()
            if victim is None:
                self._released.clear()
                await self._released.wait()
                continue
            self._slots.remove(victim)
            self._slot_evictions += 1
            await self._engine.unload(victim.slot)

    def _release(self, occupant: Occupant) -> None:
        self._slots.release(occupant)
        self._released.set()
