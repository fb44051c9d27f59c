"""Whether a version can be served: every engine fetches and checks it, and what failed is not tried at every turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from typing import TypeAlias

from r3mes_ray.errors import PackageRejected, R3mesError
from r3mes_ray.serving.adapters.versions import RefusedVersion, VersionTable
from r3mes_ray.types import AdapterId

log = logging.getLogger(__name__)

Check: TypeAlias = Callable[[AdapterId], Awaitable[None]]

LONGEST_RETRY_S = 60.0
CHECKS_AT_ONCE = 4


class VersionCheck:
    """Asks the engines about versions, each good one once. A check goes on when the one that waits for it leaves."""

    def __init__(self, table: VersionTable, check: Check, clock: Callable[[], float]) -> None:
        self._table, self._check, self._clock = table, check, clock
        self._good: set[AdapterId] = set()
        self._rejected: set[AdapterId] = set()
        self._retries: dict[AdapterId, tuple[int, float]] = {}
        self._flights: dict[AdapterId, asyncio.Task[bool]] = {}
        self._room = asyncio.Semaphore(CHECKS_AT_ONCE)

    def passed(self, adapter: AdapterId) -> bool:
        """Whether a version is known to have been checked."""
        return adapter.cid is None or adapter in self._good

    async def usable(self, adapter: AdapterId) -> bool:
        """Whether a version has passed its check; what breaks a rule is refused for good, all else is tried again."""
        if self.passed(adapter):
            return True
        if adapter in self._rejected or self._clock() < self._retries.get(adapter, (0, 0.0))[1]:
            return False
        if adapter not in self._flights:
            self._flights[adapter] = asyncio.create_task(self._checked(adapter))
        return await asyncio.shield(self._flights[adapter])

    def keep(self, known: Set[AdapterId]) -> None:
        """Forget what was found about all other versions."""
        self._good &= known
        self._rejected &= known
        self._retries = {adapter: kept for adapter, kept in self._retries.items() if adapter in known}

    async def _checked(self, adapter: AdapterId) -> bool:
        try:
            async with self._room:
                await self._check(adapter)
        except R3mesError as error:
            # What does not fit today fits where something is unpinned; all other rules are of the package itself.
            final = isinstance(error, PackageRejected) and error.rule != "capacity"
            self._put_off(adapter, error, final=final)
            return False
        finally:
            del self._flights[adapter]
        self._retries.pop(adapter, None)
        self._good.add(adapter)
        return True

    def _put_off(self, adapter: AdapterId, error: R3mesError, *, final: bool) -> None:
        log.warning("version %s is not served: %s", adapter, error)
        self._table.refuse(RefusedVersion(adapter, str(error)))
        if final:
            self._rejected.add(adapter)
        else:
            tries = self._retries.get(adapter, (0, 0.0))[0]
            self._retries[adapter] = (tries + 1, self._clock() + min(2.0**tries, LONGEST_RETRY_S))
