"""The JSON-RPC server: calls by POST, alone or in a batch, and by GET."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.rpc import render
from r3mes_ray.localnet.rpc.arguments import Arguments
from r3mes_ray.localnet.rpc.methods import METHODS
from r3mes_ray.localnet.rpc.render import Json

MAX_BODY_BYTES = 8 * 2**20
MAX_BATCH = 50
_PARSE, _REQUEST, _METHOD, _PARAMETERS, _INTERNAL = -32700, -32600, -32601, -32602, -32603
_TITLES = {
    _PARSE: "Parse error",
    _REQUEST: "Invalid Request",
    _METHOD: "Method not found",
    _PARAMETERS: "Invalid params",
    _INTERNAL: "Internal error",
}


def create_rpc_app(node: ChainNode, address: str, wake: Callable[[], None]) -> Starlette:
    """An ASGI app; `wake` is called after a call while transactions wait."""

    def call(name: str, values: object, number: object) -> Json:
        if name != "status" and name not in METHODS:
            return _error(number, _METHOD, f"{name[:100]} is not offered here")
        if not isinstance(values, dict):
            return _error(number, _PARAMETERS, "expected named arguments")
        try:
            result = render.status(node, address) if name == "status" else METHODS[name](node, Arguments(values))
        except NotOnChain as error:
            return _error(number, _INTERNAL, f"{error} not found")
        except InvalidInput as error:
            code = _INTERNAL if name.startswith("broadcast") else _PARAMETERS
            return _error(number, code, str(error))
        if node.pending:
            wake()
        return {"jsonrpc": "2.0", "id": number, "result": result}

    def one(request: object) -> Json:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, _REQUEST, "expected an object with a method")
        return call(request["method"], request.get("params") or {}, request.get("id", -1))

    async def post(request: Request) -> Response:
        body = await _limited_body(request)
        if body is None:
            return JSONResponse(_error(None, _REQUEST, f"the limit is {MAX_BODY_BYTES} bytes"), status_code=413)
        try:
            calls = json.loads(body)
        except (ValueError, RecursionError):
            return JSONResponse(_error(None, _PARSE, "the body is not JSON"), status_code=400)
        if not isinstance(calls, list):
            return JSONResponse(one(calls))
        if not 0 < len(calls) <= MAX_BATCH:
            return JSONResponse(_error(None, _REQUEST, f"a batch has 1 to {MAX_BATCH} calls"), status_code=400)
        return JSONResponse([one(entry) for entry in calls])

    async def get(request: Request) -> Response:
        return JSONResponse(call(request.path_params["method"], dict(request.query_params), -1))

    async def index(request: Request) -> Response:
        return JSONResponse({"methods": sorted(("status", *METHODS))})

    return Starlette(
        routes=[
            Route("/", post, methods=["POST"]),
            Route("/", index, methods=["GET"]),
            Route("/{method}", get, methods=["GET"]),
        ]
    )


async def _limited_body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _error(number: object, code: int, detail: str) -> Json:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": _TITLES[code], "data": detail}}
