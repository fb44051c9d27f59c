"""A trustless gateway over the blocks of this machine: `GET /ipfs/{cid}` as a raw block, or a whole DAG as CAR.

Source: IPFS trustless gateway specification. Nothing is fetched for a caller: what is not here is 404. A block is
verified before its first byte is sent. Whoever knows a CID can read it; with a token, whoever has both.
"""

from __future__ import annotations

import errno
import hmac
import re
import socket
from collections.abc import AsyncIterator, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.car import car_header, car_section
from r3mes_ray.content.car_scope import parse_scope, scoped_blocks, span_of
from r3mes_ray.content.unixfs import FileNode, read_node
from r3mes_ray.errors import (
    ConfigError,
    ContentCorrupt,
    ContentMalformed,
    ContentNotFound,
    InvalidCid,
    InvalidInput,
    PortBusy,
)
from r3mes_ray.protocol.cid import CidParts, parse_cid
from r3mes_ray.settings import ContentServerSettings

_RAW, _CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"
_FORMATS = {"raw": _RAW, "car": _CAR}
_CAR_SENT = f"{_CAR}; version=1; order=dfs; dups=n"
_RANGE = re.compile(r"bytes=(\d{1,9})-(\d{0,9})")


def create_gateway(blocks: BlockSource, token: str | None = None) -> Starlette:
    """The ASGI application; with `token`, callers must send it as a bearer token."""
    return Starlette(routes=[Route("/ipfs/{cid}", _Gateway(blocks, token).answer, methods=["GET", "HEAD"])])


async def run_gateway(app: Starlette, server: ContentServerSettings, started: Callable[[str], None]) -> None:
    """Serve until the process is told to stop; `started` gets the base URL once requests are answered.

    Raises:
        PortBusy: the address is taken.
    """
    listener = listen(server)
    config = uvicorn.Config(app, limit_concurrency=server.max_connections, log_level="warning", lifespan="off")
    started(f"http://{server.host}:{listener.getsockname()[1]}")
    await uvicorn.Server(config).serve(sockets=[listener])


def listen(server: ContentServerSettings) -> socket.socket:
    """The socket of the gateway.

    Raises:
        PortBusy: the address is taken.
    """
    host, port = server.host, server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigError("content_server.host", f"cannot listen on {host}: {error.strerror}") from error
        raise PortBusy(port, "content_server.port") from error


class _Gateway:
    def __init__(self, blocks: BlockSource, token: str | None) -> None:
        self._blocks, self._token = blocks, token

    async def answer(self, request: Request) -> Response:
        if not self._is_allowed(request):
            return PlainTextResponse("a token is needed", 401, {"WWW-Authenticate": "Bearer"})
        try:
            return await self._content(request, parse_cid(request.path_params["cid"]))
        except (InvalidCid, InvalidInput) as error:
            return PlainTextResponse(str(error), 400)
        except ContentNotFound as error:
            is_cached_wanted = "only-if-cached" in request.headers.get("cache-control", "")
            return PlainTextResponse(str(error), 412 if is_cached_wanted else 404)
        except ContentCorrupt as error:
            return PlainTextResponse(f"block {error.cid} is damaged here", 500)
        except ContentMalformed as error:
            return PlainTextResponse(str(error), 422)

    def _is_allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").encode()
        return self._token is None or hmac.compare_digest(given, f"Bearer {self._token}".encode())

    async def _content(self, request: Request, cid: CidParts) -> Response:
        kind = _FORMATS.get(request.query_params.get("format", ""))
        kind = kind or next((kind for kind in _FORMATS.values() if kind in request.headers.get("accept", "")), None)
        if kind is None:
            return PlainTextResponse("only format=raw and format=car are served", 406)
        scope = None if kind == _RAW else parse_scope(*map(request.query_params.get, ("dag-scope", "entity-bytes")))
        what, ending = ("raw", "bin") if scope is None else (f"car.{scope.text}", "car")
        headers = {
            "Etag": f'"{cid.text}.{what}"',
            "Cache-Control": "public, max-age=29030400, immutable",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": f'attachment; filename="{cid.text}.{ending}"',
            "Vary": "Accept",
        }
        if request.headers.get("if-none-match") == headers["Etag"]:
            return Response(status_code=304, headers=headers)
        block = await self._blocks.read(cid)
        if scope is None:
            return _part(block, request.headers.get("range"), headers)
        node = read_node(cid, block)
        if isinstance(node, FileNode):
            span_of(scope, node.size)
        sections = scoped_blocks(self._blocks, cid, block, scope, node)
        return StreamingResponse(_car(cid, sections), media_type=_CAR_SENT, headers=headers)


async def _car(root: CidParts, sections: AsyncIterator[tuple[CidParts, bytes]]) -> AsyncIterator[bytes]:
    yield car_header(root)
    async for cid, block in sections:
        yield car_section(cid, block)


def _part(block: bytes, wanted: str | None, headers: dict[str, str]) -> Response:
    headers["Accept-Ranges"] = "bytes"
    match = _RANGE.fullmatch(wanted or "")
    if match is None:
        return Response(block, media_type=_RAW, headers=headers)
    first, last = int(match[1]), min(int(match[2] or len(block)), len(block) - 1)
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(block)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(block)}"
    return Response(block[first : last + 1], 206, headers, _RAW)
