"""Several stores as one: writing goes to all of them, reading falls through them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from r3mes_ray.content.base import DEFAULT_LIMITS, ContentStat, ContentStore, Limits, Progress, unheard
from r3mes_ray.errors import (
    ContentCorrupt,
    ContentError,
    ContentNotFound,
    ContentReadOnly,
    ContentTimeout,
    ContentUnavailable,
)
from r3mes_ray.types import Cid

T = TypeVar("T")
_ASK_THE_NEXT = (ContentNotFound, ContentCorrupt, ContentTimeout, ContentUnavailable)


class MirroredStore:
    """`ContentStore` over stores that are asked in their order; those that can only be read are passed over in writing.

    A write that fails in one of them raises that error when the others are done; to repeat it is safe.
    """

    def __init__(self, stores: Sequence[ContentStore]) -> None:
        self._stores = tuple(stores)

    async def add(self, source: Path) -> Cid:
        """See `ContentStore.add`."""
        cids = await self._everywhere(lambda store: store.add(source), ())
        if not cids:
            raise ContentReadOnly("add")
        return cids[0]

    async def get(self, cid: Cid, target: Path, limits: Limits = DEFAULT_LIMITS, progress: Progress = unheard) -> None:
        """See `ContentStore.get`."""
        await self._first(lambda store: store.get(cid, target, limits, progress))

    async def pin(self, cid: Cid) -> None:
        """See `ContentStore.pin`: wherever the content is whole, which is one of the stores at least."""
        if not await self._everywhere(lambda store: store.pin(cid), (ContentNotFound,)):
            raise ContentNotFound(cid)

    async def unpin(self, cid: Cid) -> None:
        """See `ContentStore.unpin`."""
        await self._everywhere(lambda store: store.unpin(cid), ())

    async def stat(self, cid: Cid) -> ContentStat:
        """See `ContentStore.stat`."""
        return await self._first(lambda store: store.stat(cid))

    async def _everywhere(
        self, action: Callable[[ContentStore], Awaitable[T]], passed: tuple[type[ContentError], ...]
    ) -> list[T]:
        done: list[T] = []
        for result in await asyncio.gather(*map(action, self._stores), return_exceptions=True):
            if not isinstance(result, BaseException):
                done.append(result)
            elif not isinstance(result, (ContentReadOnly, *passed)):
                raise result
        return done

    async def _first(self, action: Callable[[ContentStore], Awaitable[T]]) -> T:
        failure: ContentError | None = None
        for store in self._stores:
            try:
                return await action(store)
            except _ASK_THE_NEXT as error:
                # That one of them could not be asked says more than that another does not have it.
                if failure is None or isinstance(failure, ContentNotFound):
                    failure = error
        raise failure or ContentNotFound("")
