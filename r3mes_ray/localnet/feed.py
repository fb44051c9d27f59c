"""Who is told of each new block: subscriptions, and callers that wait for a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from r3mes_ray.localnet.blocks import Executed

MAX_WAITING_BLOCKS = 100


class BlockFeed:
    """Hands every block to all who listen; lives in one event loop.

    A listener that takes no block while 100 come is let go: its queue ends with `None`.
    """

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Executed | None]] = set()

    def publish(self, executed: Executed) -> None:
        """Tell of a block that is durable."""
        for queue in list(self._queues):
            if queue.qsize() < MAX_WAITING_BLOCKS:
                queue.put_nowait(executed)
            else:
                self._queues.discard(queue)
                queue.put_nowait(None)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Executed | None]]:
        """The blocks from now on."""
        queue: asyncio.Queue[Executed | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
