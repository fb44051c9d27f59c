"""The JSON-RPC methods: functions of the node and the arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.codes import MEMPOOL_FULL, TX_IN_MEMPOOL, UNKNOWN_REQUEST, Refused
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries import SERVICES
from r3mes_ray.localnet.queries.search import find, find_blocks, parse_query
from r3mes_ray.localnet.results import abci_events
from r3mes_ray.localnet.rpc import render
from r3mes_ray.localnet.rpc.arguments import Arguments
from r3mes_ray.localnet.rpc.history import blockchain, genesis
from r3mes_ray.localnet.rpc.render import Json

Method = Callable[[ChainNode, Arguments], Json]

# Codes of the SDK's gRPC status inside an ABCI answer.
_NOT_FOUND, _INVALID = 22, 18
_ROUTES = {
    f"/{service.descriptor.full_name}/{method.name}": (service.answers.get(method.name), method)
    for service in SERVICES
    for method in service.descriptor.methods
}


def health(node: ChainNode, arguments: Arguments) -> Json:
    """The node answers."""
    return {}


def abci_info(node: ChainNode, arguments: Arguments) -> Json:
    """The application and its last block."""
    head = node.store.head
    return {
        "response": {
            "data": "r3mes-ray",
            "version": render.COMET_VERSION,
            "last_block_height": str(head.height),
            "last_block_app_hash": render.b64(head.app_hash),
        }
    }


def abci_query(node: ChainNode, arguments: Arguments) -> Json:
    """A gRPC query by its path, such as `/cosmos.auth.v1beta1.Query/Account`; a refusal is an answer with a code."""
    path, data = arguments.text("path"), arguments.hex("data")
    answer, method = _ROUTES.get(path, (None, None))
    if answer is None or method is None:
        return _abci(node, UNKNOWN_REQUEST.number, f"unknown query path: {path[:200]}: unknown request")
    try:
        response = answer(node, GetMessageClass(method.input_type).FromString(data))
    except DecodeError as error:
        return _abci(node, _INVALID, f"rpc error: code = InvalidArgument desc = {error}")
    except NotOnChain as error:
        return _abci(node, _NOT_FOUND, f"rpc error: code = NotFound desc = {error}: key not found")
    except InvalidInput as error:
        return _abci(node, _INVALID, f"rpc error: code = InvalidArgument desc = {error}")
    except Refused as refused:
        return _abci(node, refused.code.number, str(refused), refused.code.codespace)
    return _abci(node, 0, "", value=response.SerializeToString(deterministic=True))


def broadcast_tx(node: ChainNode, arguments: Arguments) -> Json:
    """Check a transaction and let it wait for a block.

    Raises:
        InvalidInput: it waits already, or the mempool is full: CometBFT answers these with an error.
    """
    raw = arguments.blob("tx")
    answer = {"code": 0, "data": "", "log": "", "codespace": "", "hash": render.upper(hashlib.sha256(raw).digest())}
    try:
        node.add(raw)
    except Refused as refused:
        if refused.code in (TX_IN_MEMPOOL, MEMPOOL_FULL):
            text = "tx already exists in cache" if refused.code is TX_IN_MEMPOOL else str(refused)
            raise InvalidInput("tx", text) from refused
        answer |= {"code": refused.code.number, "codespace": refused.code.codespace, "log": str(refused)}
    return answer


def tx(node: ChainNode, arguments: Arguments) -> Json:
    """One included transaction."""
    tx_hash = arguments.blob("hash")
    place = node.store.place(tx_hash)
    if place is None:
        raise NotOnChain("transaction", f"({render.upper(tx_hash)})")
    return render.tx(node.store.tx_at(*place), place[1])


def tx_search(node: ChainNode, arguments: Arguments) -> Json:
    """Included transactions by their events."""
    places = find(node, parse_query(arguments.text("query")))
    if arguments.text("order_by", "asc") == "desc":
        places.reverse()
    start, length = arguments.page()
    found = [render.tx(node.store.tx_at(*place), place[1]) for place in places[start : start + length]]
    return {"txs": found, "total_count": str(len(places))}


def block_search(node: ChainNode, arguments: Arguments) -> Json:
    """Blocks by their own events: what deadlines did at their ends."""
    heights = find_blocks(node, parse_query(arguments.text("query")))
    if arguments.text("order_by", "asc") == "desc":
        heights.reverse()
    start, length = arguments.page()
    found = [node.store.block(height) for height in heights[start : start + length]]
    return {"blocks": [render.block(node, one) for one in found if one], "total_count": str(len(heights))}


def block(node: ChainNode, arguments: Arguments) -> Json:
    """One block; without a height the last one."""
    height = arguments.number("height", node.height)
    found = node.store.block(height)
    if found is None:
        raise NotOnChain("block", f"{height}, the last one is {node.height}")
    return render.block(node, found)


def block_results(node: ChainNode, arguments: Arguments) -> Json:
    """What a block's transactions came to, and what the deadlines at its end did."""
    height = arguments.number("height", node.height)
    if node.store.block(height) is None:
        raise NotOnChain("block", f"{height}, the last one is {node.height}")
    results = [render.tx_result(found.response) for found in node.store.txs(height)]
    return {
        "height": str(height),
        "txs_results": results,
        "finalize_block_events": render.events(abci_events(node.store.block_events(height))),
        "validator_updates": [],
        "consensus_param_updates": None,
    }


METHODS: dict[str, Method] = {
    "health": health,
    "abci_info": abci_info,
    "abci_query": abci_query,
    "broadcast_tx_sync": broadcast_tx,
    "broadcast_tx_async": broadcast_tx,
    "tx": tx,
    "tx_search": tx_search,
    "block": block,
    "block_results": block_results,
    "block_search": block_search,
    "blockchain": blockchain,
    "genesis": genesis,
}
"""Every method that needs the node alone; `calls` adds those that need more."""


def _abci(node: ChainNode, code: int, log: str, codespace: str = "sdk", value: bytes = b"") -> Json:
    return {
        "response": {
            "code": code,
            "log": log,
            "info": "",
            "index": "0",
            "key": None,
            "value": render.b64(value) if value else None,
            "proofOps": None,
            "height": str(node.height),
            "codespace": codespace if code else "",
        }
    }
