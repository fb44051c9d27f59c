"""A node's part in the exchange of content: it serves its blocks, says where on chain, and learns where others do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from r3mes_ray.chain.base import ChainClient, send
from r3mes_ray.content import open_blocks, open_served
from r3mes_ray.content.serve import create_gateway, listen
from r3mes_ray.errors import ConfigError
from r3mes_ray.node.content_peers import NOT_TOLD, follow_peers, refresh_peers
from r3mes_ray.settings import DiskContent, Settings
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAnnounceContent


class ContentServer:
    """The gateway over this node's blocks in this process. A node that keeps its content elsewhere serves none."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._server: _Embedded | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, client: ChainClient) -> str | None:
        """Serve, announce the URL where the chain has another one, and follow the peers; returns the URL.

        On a chain that knows nothing of content the node serves all the same, and says so.

        Raises:
            PortBusy: the address is taken.
        """
        if not isinstance(self._settings.content, DiskContent):
            return None
        server = self._settings.content_server
        listener = listen(server)
        app = create_gateway(open_blocks(self._settings), token_of(server.token_env))
        config = uvicorn.Config(app, limit_concurrency=server.max_connections, log_level="warning", lifespan="off")
        self._server = _Embedded(config)
        self._tasks.append(asyncio.create_task(self._server.serve(sockets=[listener])))
        url = server.public_url or f"http://{server.host}:{listener.getsockname()[1]}"
        await asyncio.to_thread(open_served(self._settings).write, [url])
        self._say(f"serving content at {url}")
        await self._announce(client, url)
        self._tasks.append(asyncio.create_task(follow_peers(self._settings, client)))
        return url

    async def stop(self) -> None:
        """End requests that run, and stop."""
        if self._server is not None:
            self._server.should_exit = True
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _announce(self, client: ChainClient, url: str) -> None:
        try:
            if url not in await refresh_peers(self._settings, client):
                await send(client, [MsgAnnounceContent(node_address=client.address, content_url=url)])
        except NOT_TOLD as error:
            self._say(f"warning: {url} is not announced on this chain: {error}")
            self._say("next: others reach this node with the setting content.peers, and it reaches them so")


def token_of(variable: str | None) -> str | None:
    """The bearer token that callers must send, from the environment.

    Raises:
        ConfigError: the variable is empty or not set.
    """
    if variable is None:
        return None
    if not (token := os.environ.get(variable)):
        raise ConfigError("content_server.token_env", f"the environment variable {variable} is empty or not set")
    return token


class _Embedded(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the node."""
        yield
