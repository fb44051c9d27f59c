"""The websocket: every call, and subscriptions to new blocks and to the transactions in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.blocks import Executed
from r3mes_ray.localnet.queries.search import TxQuery, matches, parse_query
from r3mes_ray.localnet.results import abci_events
from r3mes_ray.localnet.rpc import render
from r3mes_ray.localnet.rpc.arguments import Arguments
from r3mes_ray.localnet.rpc.calls import INTERNAL, PARAMETERS, PARSE, Host, answer, error
from r3mes_ray.localnet.rpc.render import Json

MAX_SUBSCRIPTIONS = 5
_KINDS = ("NewBlock", "NewBlockHeader", "Tx")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one subscription is told: events of `kind` that meet the rest of the query, under the id of the call."""

    number: object
    text: str
    kind: str
    query: TxQuery


def parse_subscription(number: object, text: str) -> Subscription:
    """Parse a query such as `tm.event='Tx' AND transfer.recipient='remes1…'`.

    Raises:
        InvalidInput: a condition of another form, or another event.
    """
    query = parse_query(text)
    kinds = [value for name, value in query.attributes if name == "tm.event"]
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        raise InvalidInput("query", f"tm.event is one of {', '.join(_KINDS)}")
    return Subscription(number, text, kinds[0], query.without("tm.event"))


def notices(host: Host, subscription: Subscription, executed: Executed) -> Iterator[Json]:
    """What a subscription is told of a block."""
    block, kind = executed.block, subscription.kind
    tags = {"tm.event": [kind]}
    if kind == "Tx":
        for position, stored in enumerate(host.node.store.txs(block.height)):
            found = render.attributes(stored.response)
            if matches(subscription.query, found, block.height, bytes.fromhex(stored.response.txhash)):
                told = {"TxResult": render.tx_event(stored, position)}
                yield _notice(subscription, told, {**tags, **found, **render.tx_tags(stored.response)})
    elif matches(subscription.query, render.block_attributes(executed), block.height, b""):
        whole = render.block(host.node, block)
        result = {"events": render.events(abci_events(executed.events))}
        value: Json = {"header": whole["block"]["header"]} if kind == "NewBlockHeader" else whole
        yield _notice(subscription, {**value, "result_finalize_block": result}, tags)


def websocket_endpoint(host: Host) -> Callable[[WebSocket], Awaitable[None]]:
    """The endpoint of one connection; what it does not read in time ends it."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        subscriptions: dict[str, Subscription] = {}
        with host.feed.listen() as blocks:
            telling = asyncio.create_task(_tell(host, socket, subscriptions, blocks))
            try:
                while True:
                    text = await socket.receive_text()
                    await socket.send_json(await _reply(host, subscriptions, text))
            except WebSocketDisconnect:
                return
            except (RuntimeError, KeyError):
                # Starlette's words for a connection that the other task closed, and for a frame of bytes.
                return
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    return endpoint


async def _tell(
    host: Host, socket: WebSocket, subscriptions: dict[str, Subscription], blocks: asyncio.Queue[Executed | None]
) -> None:
    while (executed := await blocks.get()) is not None:
        for subscription in list(subscriptions.values()):
            for notice in notices(host, subscription, executed):
                await socket.send_json(notice)
    await socket.close(1008, "client is not pulling messages fast enough")


async def _reply(host: Host, subscriptions: dict[str, Subscription], text: str) -> Json:
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return error(None, PARSE, "the message is not JSON")
    name = request.get("method") if isinstance(request, dict) else None
    if name not in ("subscribe", "unsubscribe", "unsubscribe_all"):
        return await answer(host, request)
    number, values = request.get("id", -1), request.get("params") or {}
    if not isinstance(values, dict):
        return error(number, PARAMETERS, "expected named arguments")
    try:
        _change(subscriptions, name, number, Arguments(values))
    except InvalidInput as wrong:
        return error(number, INTERNAL if wrong.what == "subscription" else PARAMETERS, str(wrong))
    return {"jsonrpc": "2.0", "id": number, "result": {}}


def _change(subscriptions: dict[str, Subscription], name: str, number: object, arguments: Arguments) -> None:
    if name == "unsubscribe_all":
        subscriptions.clear()
        return
    text = arguments.text("query")
    if name == "unsubscribe":
        if subscriptions.pop(text, None) is None:
            raise InvalidInput("subscription", "there is none of this query")
        return
    if text in subscriptions or len(subscriptions) >= MAX_SUBSCRIPTIONS:
        raise InvalidInput("subscription", f"already subscribed, or more than {MAX_SUBSCRIPTIONS} queries")
    subscriptions[text] = parse_subscription(number, text)


def _notice(subscription: Subscription, value: Json, tags: Json) -> Json:
    data = {"type": f"tendermint/event/{subscription.kind}", "value": value}
    result = {"query": subscription.text, "data": data, "events": tags}
    return {"jsonrpc": "2.0", "id": subscription.number, "result": result}
