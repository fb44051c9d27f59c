"""When blocks are made: at the block time while there is work or a deadline, else a rare heartbeat."""

from __future__ import annotations

import asyncio
import time

from r3mes_ray.localnet.feed import BlockFeed
from r3mes_ray.localnet.node import ChainNode

HEARTBEAT_S = 10.0
"""Time between blocks while nothing waits, so that a follower sees that the chain lives."""


class Producer:
    """Makes blocks until it is stopped, and tells `feed` of each; `wake` says that a transaction came in."""

    def __init__(self, node: ChainNode, block_time_s: float) -> None:
        self.feed = BlockFeed()
        self._node = node
        self._block_time_s = block_time_s
        self._work = asyncio.Event()

    def wake(self) -> None:
        """There is work: the next block is due one block time after the last one."""
        self._work.set()

    async def run(self) -> None:
        """Make blocks until cancelled; the first one at once, for clients take height 0 for no height."""
        last = time.monotonic()
        if self._node.height == 0:
            self.feed.publish(self._node.produce(time.time_ns()))
        while True:
            if not self._node.is_busy:
                await self._sleep_idle(last + HEARTBEAT_S)
            await asyncio.sleep(max(0.0, last + self._block_time_s - time.monotonic()))
            self._work.clear()
            last = time.monotonic()
            self.feed.publish(self._node.produce(time.time_ns()))

    async def _sleep_idle(self, until: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._work.wait()
        except TimeoutError:
            return
