"""Sockets and ASGI servers of JSON-RPC, REST and the faucet."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from r3mes_ray.errors import PortBusy
from r3mes_ray.localnet.tls import Tls

MAX_FRAME_BYTES = 2**20
"""A websocket message that is larger ends its connection."""


class HttpServer(uvicorn.Server):
    """A server that leaves signals to the process, which stops it by `should_exit`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def create_http_server(app: Starlette, tls: Tls | None) -> HttpServer:
    """A server that is not started."""
    return HttpServer(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            limit_concurrency=1_000,
            timeout_graceful_shutdown=2,
            ws_max_size=MAX_FRAME_BYTES,
            ssl_certfile=None if tls is None else tls.certificate,
            ssl_keyfile=None if tls is None else tls.key,
        )
    )


def open_listener(host: str, port: int, setting: str) -> socket.socket:
    """Listen on a port, or on a free one for 0.

    Raises:
        PortBusy: another process has it.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortBusy(port, setting) from error
    return listener


async def limited_body(request: Request, limit: int) -> bytes | None:
    """A request's body; `None` when it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
