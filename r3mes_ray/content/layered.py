"""Reading that falls through: the local store first, then peers, and what they send is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from r3mes_ray.content.blocks import BlockCarrier, BlockSource, Take
from r3mes_ray.content.disk_writer import DiskWriter
from r3mes_ray.content.threads import in_thread
from r3mes_ray.errors import ContentCorrupt, ContentError, ContentNotFound, StoreFull
from r3mes_ray.protocol.cid import CidParts

HELD_BLOCKS = 8
"""Fetched blocks that may be in memory at a time: 16 MiB."""


class ReadThrough:
    """A `BlockSource` and `BlockCarrier` that keeps every block which it had to fetch.

    A download that was interrupted continues where it stood, as its blocks are here; they are not pinned, and protected
    as long as the writer is. A damaged local block is fetched and replaced. A store that is full of pinned content
    passes blocks on without keeping them.
    """

    def __init__(self, local: BlockCarrier, remote: BlockSource, writer: DiskWriter) -> None:
        self._local, self._remote, self._writer = local, remote, writer
        self._room = asyncio.Semaphore(HELD_BLOCKS)

    async def read(self, cid: CidParts) -> bytes:
        """The block, from here or from afar.

        Raises:
            ContentCorrupt: it is damaged here, and cannot be had elsewhere.
            ContentError: as the remote source failed.
        """
        try:
            return await self._local.read(cid)
        except (ContentNotFound, ContentCorrupt) as error:
            block = await self._fetch(cid, error)
        await asyncio.to_thread(self._keep, cid, block)
        return block

    async def carry(self, cids: Sequence[CidParts], take: Take) -> None:
        """See `BlockCarrier.carry`. From the first that is not here on, blocks are fetched side by side."""
        done = 0

        def taken(index: int, data: memoryview) -> None:
            nonlocal done
            take(index, data)
            done = index + 1

        try:
            await self._local.carry(cids, taken)
        except (ContentNotFound, ContentCorrupt):
            rest = [asyncio.create_task(self._carry_one(cids, index, take)) for index in range(done, len(cids))]
            try:
                await asyncio.gather(*rest)
            finally:
                for task in rest:
                    task.cancel()
                await asyncio.gather(*rest, return_exceptions=True)

    async def _carry_one(self, cids: Sequence[CidParts], index: int, take: Take) -> None:
        try:
            await self._local.carry([cids[index]], lambda _, data: take(index, data))
        except (ContentNotFound, ContentCorrupt) as error:
            async with self._room:
                block = await self._fetch(cids[index], error)
                await in_thread(self._keep_and_take, cids[index], block, partial(take, index))

    async def _fetch(self, cid: CidParts, why: ContentNotFound | ContentCorrupt) -> bytes:
        try:
            return await self._remote.read(cid)
        except ContentError as error:
            # That a block is damaged here is what the operator can mend.
            if isinstance(why, ContentCorrupt):
                raise why from error
            raise

    def _keep(self, cid: CidParts, block: bytes) -> None:
        with suppress(StoreFull):
            self._writer.write(cid, block)

    def _keep_and_take(self, cid: CidParts, block: bytes, take: Callable[[memoryview], None]) -> None:
        self._keep(cid, block)
        take(memoryview(block))
