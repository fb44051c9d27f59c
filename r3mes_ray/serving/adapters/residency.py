"""What engines are to hold whether it is asked for or not: pins and preloads, also on a replica that starts later.

The wishes are the operator's, in the file of choices; here is only what each replica has been told, so that one that
starts later, or in place of one that died, is told all of it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Set
from typing import Protocol

from r3mes_ray.errors import R3mesError, ServingUnavailable
from r3mes_ray.types import AdapterId

log = logging.getLogger(__name__)


class Engines(Protocol):
    """All engine replicas at once, or `only` some of them."""

    async def replicas(self) -> Set[str]:
        """Those that run; one that is started again has another name."""
        ...

    async def check(self, adapter: AdapterId) -> None:
        """Fetch and check a version, which changes no slot; raises what the first that fails finds."""
        ...

    async def preload(self, adapter: AdapterId, only: Set[str] | None = None) -> None:
        """Load a version into a slot; raises what the first that fails finds."""
        ...

    async def pin(self, adapter: AdapterId, only: Set[str] | None = None) -> None:
        """Load a version and keep it in its slot; repeating it does nothing."""
        ...

    async def unpin(self, adapter: AdapterId) -> None:
        """Let go of it."""
        ...


class Residency:
    """Tells each replica once what it is to hold."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._loaded: dict[str, set[AdapterId]] = {}
        self._pinned: dict[str, set[AdapterId]] = {}

    async def settle(self, pins: Set[AdapterId], preloads: Set[AdapterId]) -> None:
        """Bring every replica to these wishes; what a replica cannot do is logged, and not asked of it again."""
        try:
            running = await self._engines.replicas()
            self._forget(running, pins | preloads)
            for adapter in sorted(preloads, key=str):
                if missing := _missing(self._loaded, running, adapter):
                    await _asked(self._engines.preload(adapter, missing), f"{adapter} is not preloaded")
                    _tell(self._loaded, missing, adapter)
            # First, so that a version that follows another finds its place among the pinned ones.
            for adapter in sorted(set().union(*self._pinned.values()) - pins, key=str):
                await self._engines.unpin(adapter)
                for told in self._pinned.values():
                    told.discard(adapter)
            for adapter in sorted(pins, key=str):
                if missing := _missing(self._pinned, running, adapter):
                    await _asked(self._engines.pin(adapter, missing), f"{adapter} is not pinned")
                    _tell(self._pinned, missing, adapter)
        except ServingUnavailable as error:
            log.warning("pins and preloads are settled at the next turn: %s", error)

    def _forget(self, running: Set[str], wanted: Set[AdapterId]) -> None:
        """Replicas that have left, and versions that nobody wants to be loaded any more."""
        self._pinned = {replica: told for replica, told in self._pinned.items() if replica in running}
        self._loaded = {replica: told & wanted for replica, told in self._loaded.items() if replica in running}


async def _asked(call: Awaitable[None], otherwise: str) -> None:
    try:
        await call
    except ServingUnavailable:
        raise
    except R3mesError as error:
        log.warning("%s: %s", otherwise, error)


def _missing(told: dict[str, set[AdapterId]], running: Set[str], adapter: AdapterId) -> frozenset[str]:
    return frozenset(replica for replica in running if adapter not in told.get(replica, ()))


def _tell(told: dict[str, set[AdapterId]], replicas: Set[str], adapter: AdapterId) -> None:
    for replica in replicas:
        told.setdefault(replica, set()).add(adapter)
