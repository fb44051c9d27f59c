"""The JSON-RPC server: calls by POST, alone or in a batch, by GET, and over a websocket."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from r3mes_ray.localnet.http import limited_body
from r3mes_ray.localnet.rpc.calls import NAMES, PARSE, REQUEST, Host, answer, call, error
from r3mes_ray.localnet.rpc.subscriptions import websocket_endpoint

MAX_BODY_BYTES = 8 * 2**20
MAX_BATCH = 50


def create_rpc_app(host: Host) -> Starlette:
    """An ASGI app over one node."""

    async def post(request: Request) -> Response:
        body = await limited_body(request, MAX_BODY_BYTES)
        if body is None:
            return JSONResponse(error(None, REQUEST, f"the limit is {MAX_BODY_BYTES} bytes"), status_code=413)
        try:
            calls = json.loads(body)
        except (ValueError, RecursionError):
            return JSONResponse(error(None, PARSE, "the body is not JSON"), status_code=400)
        if not isinstance(calls, list):
            return JSONResponse(await answer(host, calls))
        if not 0 < len(calls) <= MAX_BATCH:
            return JSONResponse(error(None, REQUEST, f"a batch has 1 to {MAX_BATCH} calls"), status_code=400)
        return JSONResponse([await answer(host, entry) for entry in calls])

    async def get(request: Request) -> Response:
        return JSONResponse(await call(host, request.path_params["method"], dict(request.query_params), -1))

    async def index(request: Request) -> Response:
        return JSONResponse({"methods": NAMES})

    return Starlette(
        routes=[
            Route("/", post, methods=["POST"]),
            Route("/", index, methods=["GET"]),
            WebSocketRoute("/websocket", websocket_endpoint(host)),
            Route("/{method}", get, methods=["GET"]),
        ]
    )
