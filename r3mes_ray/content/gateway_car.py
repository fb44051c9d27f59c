"""A whole DAG from one gateway in one answer (CAR), and what that does not give block by block.

One request instead of one a level: what is far away comes in one round trip. The gateway's CAR is believed as little
as its blocks: each is verified as it arrives, only blocks that the walk asks for are used, and a bounded number of
others is waited for. Whatever is wrong with the CAR, the blocks that are missing are asked for one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from r3mes_ray.content.gateway import GatewayBlocks, Gateways
from r3mes_ray.protocol.cid import DAG_PB, CidParts

AHEAD_BLOCKS = 8
"""Blocks that may wait for the walk; with those of one section they bound the memory to some 20 MiB."""

_MAX_REPEATED = 64


class CarBlocks:
    """A `BlockSource` over one gateway's CAR of `root`, with `blocks` behind it.

    The CAR is asked for when its root is read first: a download that goes on has the root, and needs only the rest.
    """

    def __init__(self, root: CidParts, gateways: Gateways, blocks: GatewayBlocks) -> None:
        self._root, self._gateways, self._blocks = root, gateways, blocks
        self._held: dict[bytes, bytes] = {}
        self._wanted: set[bytes] = set()
        self._given: set[bytes] = set()
        self._changed = asyncio.Condition()
        self._pump: asyncio.Task[None] | None = None
        self._is_over = True

    async def read(self, cid: CidParts) -> bytes:
        """See `GatewayBlocks.read`."""
        if self._pump is None and cid == self._root and cid.codec == DAG_PB:
            self._pump, self._is_over = asyncio.create_task(self._run()), False
        block = await self._from_car(cid.digest)
        return await self._blocks.read(cid) if block is None else block

    async def stop(self) -> None:
        """Hang up."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait({self._pump})
            if not self._pump.cancelled() and (error := self._pump.exception()) is not None:
                raise error

    async def _from_car(self, digest: bytes) -> bytes | None:
        async with self._changed:
            self._wanted.add(digest)
            self._changed.notify_all()
            try:
                await self._changed.wait_for(lambda: digest in self._held or digest in self._given or self._is_over)
            finally:
                self._wanted.discard(digest)
            block = self._held.pop(digest, None)
            if block is not None:
                self._given.add(digest)
                self._changed.notify_all()
            return block

    async def _run(self) -> None:
        try:
            await self._fill()
        finally:
            self._is_over = True
            async with self._changed:
                self._changed.notify_all()

    async def _fill(self) -> None:
        repeated = 0
        async with aclosing(self._blocks.car(self._root)) as sections:
            async for cid, block in sections:
                if cid.digest in self._given or cid.digest in self._held:
                    repeated += 1
                    if repeated > _MAX_REPEATED:
                        return
                elif not await self._hold(cid.digest, block):
                    return

    async def _hold(self, digest: bytes, block: bytes) -> bool:
        """Offer a block; False when the walk waits for others than those that fill the room."""
        async with self._changed:
            self._held[digest] = block
            self._changed.notify_all()
            await self._changed.wait_for(lambda: len(self._held) <= AHEAD_BLOCKS or self._is_stuck())
            return not self._is_stuck()

    def _is_stuck(self) -> bool:
        return len(self._held) > AHEAD_BLOCKS and bool(self._wanted - self._held.keys())


@asynccontextmanager
async def car_first(gateways: Gateways, root: CidParts) -> AsyncIterator[CarBlocks]:
    """Open connections for reading what is below `root`; they are closed on leaving."""
    async with gateways.connect() as blocks:
        source = CarBlocks(root, gateways, blocks)
        try:
            yield source
        finally:
            await source.stop()
