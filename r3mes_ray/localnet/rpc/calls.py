"""JSON-RPC calls, wherever they come from: a POST, a batch, a URL or a websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.feed import BlockFeed
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.rpc import render
from r3mes_ray.localnet.rpc.arguments import Arguments
from r3mes_ray.localnet.rpc.methods import METHODS, broadcast_tx
from r3mes_ray.localnet.rpc.render import Json

PARSE, REQUEST, METHOD, PARAMETERS, INTERNAL = -32700, -32600, -32601, -32602, -32603
_TITLES = {
    PARSE: "Parse error",
    REQUEST: "Invalid Request",
    METHOD: "Method not found",
    PARAMETERS: "Invalid params",
    INTERNAL: "Internal error",
}
_STATUS, _COMMIT = "status", "broadcast_tx_commit"
NAMES = tuple(sorted((_STATUS, _COMMIT, *METHODS)))
"""Every method that is offered by HTTP."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the calls are about.

    Attributes:
        address: `host:port` that this server listens on.
        wake: called after a call while transactions wait.
        feed: where new blocks are told.
        commit_timeout_s: how long `broadcast_tx_commit` waits for a block.
    """

    node: ChainNode
    address: str
    wake: Callable[[], None]
    feed: BlockFeed
    commit_timeout_s: float = 10.0


async def answer(host: Host, request: object) -> Json:
    """Answer one call that was read from JSON; whatever it is, this is an answer or an error object."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return error(None, REQUEST, "expected an object with a method")
    number = request.get("id", -1)
    if not isinstance(number, int | str | None):
        return error(None, REQUEST, "an id is a number or a text")
    return await call(host, request["method"], request.get("params") or {}, number)


async def call(host: Host, name: str, values: object, number: object) -> Json:
    """Answer one call by the method's name and its arguments."""
    if name not in NAMES:
        return error(number, METHOD, f"{name[:100]} is not offered here")
    if not isinstance(values, dict):
        return error(number, PARAMETERS, "expected named arguments")
    try:
        result = await _result(host, name, Arguments(values))
    except NotOnChain as missing:
        return error(number, INTERNAL, f"{missing} not found")
    except InvalidInput as wrong:
        return error(number, INTERNAL if name.startswith("broadcast") else PARAMETERS, str(wrong))
    except TimeoutError:
        return error(number, INTERNAL, "timed out waiting for tx to be included in a block")
    return {"jsonrpc": "2.0", "id": number, "result": result}


def error(number: object, code: int, detail: str) -> Json:
    """The answer to a call that failed."""
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": _TITLES[code], "data": detail}}


async def _result(host: Host, name: str, arguments: Arguments) -> Json:
    if name == _STATUS:
        return render.status(host.node, host.address)
    if name == _COMMIT:
        return await _broadcast_tx_commit(host, arguments)
    result = METHODS[name](host.node, arguments)
    if host.node.pending:
        host.wake()
    return result


async def _broadcast_tx_commit(host: Host, arguments: Arguments) -> Json:
    """Check a transaction and wait until a block has it.

    Raises:
        TimeoutError: it waits still.
    """
    raw = arguments.blob("tx")
    with host.feed.listen() as blocks:
        checked = broadcast_tx(host.node, arguments)
        result = {"check_tx": checked, "tx_result": render.NO_RESULT, "hash": checked["hash"], "height": "0"}
        if checked["code"]:
            return result
        host.wake()
        async with asyncio.timeout(host.commit_timeout_s):
            while (executed := await blocks.get()) is not None:
                if raw in executed.txs:
                    found = host.node.store.tx_at(executed.block.height, executed.txs.index(raw))
                    return {
                        **result,
                        "tx_result": render.tx_result(found.response),
                        "height": str(executed.block.height),
                    }
    raise TimeoutError
