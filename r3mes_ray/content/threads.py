"""Blocking work beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec

P = ParamSpec("P")


async def in_thread(action: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run blocking work to its end even when the caller is cancelled, so that nothing is written after the clean-up."""
    await in_pool(None, partial(action, *args, **kwargs))


async def in_pool(pool: Executor | None, action: Callable[[], None]) -> None:
    """As `in_thread`, in the threads of a pool."""
    task = asyncio.get_running_loop().run_in_executor(pool, action)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
    finally:
        # An error of the task would keep this frame, and with it all that its callers hold, until the next collection.
        del task
