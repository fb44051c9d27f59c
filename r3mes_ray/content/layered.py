"""Reading that falls through: the local store first, then peers, and what they send is kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.disk_writer import DiskWriter
from r3mes_ray.errors import ContentCorrupt, ContentNotFound, StoreFull
from r3mes_ray.protocol.cid import CidParts


class ReadThrough:
    """A `BlockSource` that keeps every block which it had to fetch.

    A download that was interrupted continues where it stood, as its blocks are here; they are not pinned, and protected
    as long as the writer is. A damaged local block is fetched and replaced. A store that is full of pinned content
    passes blocks on without keeping them.
    """

    def __init__(self, local: BlockSource, remote: BlockSource, writer: DiskWriter) -> None:
        self._local, self._remote, self._writer = local, remote, writer

    async def read(self, cid: CidParts) -> bytes:
        """The block, from here or from afar.

        Raises:
            ContentCorrupt: it is damaged here, and nowhere else.
            ContentError: as the remote source failed.
        """
        try:
            return await self._local.read(cid)
        except ContentNotFound:
            block = await self._remote.read(cid)
        except ContentCorrupt as damaged:
            try:
                block = await self._remote.read(cid)
            except ContentNotFound:
                raise damaged from None
        with suppress(StoreFull):
            await asyncio.to_thread(self._writer.write, cid, block)
        return block
