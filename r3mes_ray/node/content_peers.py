"""Where other nodes serve content: learnt from the chain, and left beside the blocks for all who read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.content import open_peers, open_served
from r3mes_ray.errors import ChainError, InvalidInput
from r3mes_ray.settings import DiskContent, Settings

REFRESH_S = 15.0
"""How often the chain is asked for peers."""

NOT_TOLD = (ChainError, InvalidInput)
"""What a chain that is away, or that has no such query, ends in."""


@asynccontextmanager
async def peers_from_chain(settings: Settings, client: ChainClient, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Know the peers from the first line of the block on, and follow them until its end.

    A chain that does not tell them is no reason to stop: `say` hears of it.
    """
    if not isinstance(settings.content, DiskContent):
        yield
        return
    try:
        await refresh_peers(settings, client)
    except NOT_TOLD as error:
        say(f"warning: no peers from the chain ({error}); only those of the setting content.peers are asked")
    following = asyncio.create_task(follow_peers(settings, client))
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def follow_peers(settings: Settings, client: ChainClient) -> None:
    """Ask again and again; while the chain does not answer, the peers that are known stay."""
    while True:
        await asyncio.sleep(REFRESH_S)
        with suppress(*NOT_TOLD):
            await refresh_peers(settings, client)


async def refresh_peers(settings: Settings, client: ChainClient) -> list[str]:
    """Ask the chain where nodes serve content, and leave that for this node's store; returns all URLs.

    Raises:
        ChainError, InvalidInput: the chain does not answer, or has no such query.
    """
    urls = await queries.content_urls(client)
    own = await asyncio.to_thread(open_served(settings).read)
    await asyncio.to_thread(open_peers(settings).write, [url for url in urls if url not in own])
    return urls
