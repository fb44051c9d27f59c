"""Decoded packages: from main memory, else fetched and verified, once however many wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from r3mes_ray.errors import ContentError, InvalidInput
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.serving.adapters.ram import RamTier
from r3mes_ray.serving.adapters.refusals import Refusals
from r3mes_ray.types import AdapterId

Fetch: TypeAlias = Callable[[AdapterId], Awaitable[AdapterPackage]]
"""An adapter's verified package, from the content store."""

FETCHES_AT_ONCE = 4
"""So that main memory holds no more than its budget and this many packages that are under way."""


class Packages:
    """The tiers below the engine's slots; used from one event loop. A fetch goes on when its last waiter leaves."""

    def __init__(self, fetch: Fetch, ram: RamTier[AdapterPackage], refusals: Refusals) -> None:
        self._fetch, self._ram, self._refusals = fetch, ram, refusals
        self._flights: dict[AdapterId, asyncio.Task[AdapterPackage]] = {}
        self._room = asyncio.Semaphore(FETCHES_AT_ONCE)
        self.hits = self.fetches = self.prefetches = 0

    async def get(self, adapter: AdapterId) -> AdapterPackage:
        """A package.

        Raises:
            ContentError: no store has it, or its bytes do not have its hash; also while such a failure is remembered.
            PackageRejected: it breaks a rule, or is of another base.
        """
        package = self._ram.get(adapter)
        if package is not None:
            self.hits += 1
            return package
        self._refusals.check(adapter)
        return await asyncio.shield(self._flights.get(adapter) or self._depart(adapter))

    def prefetch(self, adapter: AdapterId) -> bool:
        """Fetch a package into main memory in the background, where there is room for a fetch; whether it began."""
        if adapter in self._ram or adapter in self._flights or len(self._flights) >= FETCHES_AT_ONCE:
            return False
        try:
            self._refusals.check(adapter)
        except (ContentError, InvalidInput):
            return False
        self.prefetches += 1
        self._depart(adapter)
        return True

    def _depart(self, adapter: AdapterId) -> asyncio.Task[AdapterPackage]:
        flight = self._flights[adapter] = asyncio.create_task(self._fetched(adapter))
        # Without a waiter left nobody would look at a failure: it is remembered for the next request.
        flight.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _fetched(self, adapter: AdapterId) -> AdapterPackage:
        try:
            async with self._room:
                self.fetches += 1
                package = await self._fetch(adapter)
        except (ContentError, InvalidInput) as error:
            self._refusals.remember(adapter, error)
            raise
        finally:
            del self._flights[adapter]
        self._ram.put(adapter, package)
        return package
