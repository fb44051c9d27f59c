"""The REST server: an ASGI app over one node."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.http import limited_body
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries import SERVICES, not_found
from r3mes_ray.localnet.rest.gateway_json import from_json, from_query, to_json
from r3mes_ray.localnet.rest.routes import Binding, bindings

MAX_BODY_BYTES = 8 * 2**20
_INVALID, _NOT_FOUND, _UNIMPLEMENTED = 3, 5, 12
_STATUS = {_INVALID: 400, _NOT_FOUND: 404, _UNIMPLEMENTED: 501}


def create_rest_app(node: ChainNode, wake: Callable[[], None]) -> Starlette:
    """An ASGI app; `wake` is called after a call while transactions wait."""
    routes = [Route(one.path, _endpoint(node, wake, one), methods=[one.verb]) for one in bindings(SERVICES)]
    return Starlette(routes=routes, exception_handlers={404: _no_route, 405: _no_route})


def _endpoint(node: ChainNode, wake: Callable[[], None], binding: Binding) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if binding.answer is None:
            return _error(_UNIMPLEMENTED, f"{binding.method.full_name} has no state on this chain yet")
        try:
            answer = binding.answer(node, from_json(binding.method, await _values(binding, request)))
            body = to_json(answer)
        except NotOnChain as missing:
            return _error(_NOT_FOUND, not_found(missing))
        except (InvalidInput, Refused) as error:
            return _error(_INVALID, str(error))
        if node.pending:
            wake()
        return JSONResponse(body)

    return endpoint


async def _values(binding: Binding, request: Request) -> object:
    if binding.verb == "GET":
        return from_query(binding.method, request.path_params, request.query_params.multi_items())
    body = await limited_body(request, MAX_BODY_BYTES)
    if body is None:
        raise InvalidInput("request", f"the limit is {MAX_BODY_BYTES} bytes")
    try:
        values: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("request", "the body is not JSON") from error
    return values


async def _no_route(request: Request, error: Exception) -> Response:
    return _error(_UNIMPLEMENTED, f"{request.method} {request.url.path[:200]} is not offered here")


def _error(code: int, message: str) -> Response:
    return JSONResponse({"code": code, "message": message, "details": []}, status_code=_STATUS[code])
