"""Transactions in and out, as `cosmos.tx.v1beta1.Service` offers them."""

from __future__ import annotations

import hashlib

from google.protobuf.any_pb2 import Any as AnyMessage

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries import tendermint
from r3mes_ray.localnet.queries.paging import MAX_LIMIT, page
from r3mes_ray.localnet.queries.search import find, parse_query
from r3mes_ray.localnet.records import u64
from r3mes_ray.localnet.results import abci_events
from r3mes_ray.localnet.store import StoredTx
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import GasInfo, Result, TxResponse
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import (
    BROADCAST_MODE_ASYNC,
    BROADCAST_MODE_SYNC,
    ORDER_BY_DESC,
    BroadcastTxRequest,
    BroadcastTxResponse,
    GetBlockWithTxsRequest,
    GetBlockWithTxsResponse,
    GetTxRequest,
    GetTxResponse,
    GetTxsEventRequest,
    GetTxsEventResponse,
    SimulateRequest,
    SimulateResponse,
)
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import Tx
from r3mes_ray.wire.tendermint.types.types_pb2 import BlockID

_DEFAULT_PAGE = 30


def broadcast_tx(node: ChainNode, request: BroadcastTxRequest) -> BroadcastTxResponse:
    """Check a transaction and let it wait for a block; a refusal is an answer with a code."""
    if request.mode not in (BROADCAST_MODE_SYNC, BROADCAST_MODE_ASYNC):
        raise InvalidInput("mode", "only BROADCAST_MODE_SYNC and BROADCAST_MODE_ASYNC are supported")
    if not request.tx_bytes:
        raise InvalidInput("tx_bytes", "it is empty")
    answer = TxResponse(txhash=hashlib.sha256(request.tx_bytes).hexdigest().upper())
    try:
        node.add(request.tx_bytes)
    except Refused as refused:
        answer.codespace, answer.code = refused.code.codespace, refused.code.number
        answer.raw_log = str(refused)
    return BroadcastTxResponse(tx_response=answer)


def simulate(node: ChainNode, request: SimulateRequest) -> SimulateResponse:
    """What a transaction would use and answer; the request's deprecated `tx` is read where `tx_bytes` is empty."""
    raw = request.tx_bytes or request.tx.SerializeToString(deterministic=True)
    outcome = node.simulate(raw)
    return SimulateResponse(
        gas_info=GasInfo(gas_wanted=outcome.gas_wanted, gas_used=outcome.gas_used),
        result=Result(data=outcome.data, events=abci_events(outcome.events), msg_responses=outcome.responses),
    )


def get_tx(node: ChainNode, request: GetTxRequest) -> GetTxResponse:
    """One included transaction."""
    try:
        tx_hash = bytes.fromhex(request.hash)
    except ValueError as error:
        raise InvalidInput("hash", f"{request.hash[:80]!r} is not hex") from error
    found = node.store.tx(tx_hash)
    if found is None:
        raise NotOnChain("tx", request.hash[:64])
    tx, response = with_body(found)
    return GetTxResponse(tx=tx, tx_response=response)


def get_txs_event(node: ChainNode, request: GetTxsEventRequest) -> GetTxsEventResponse:
    """Transactions that have all of the given events, such as `message.sender='remes1…'`.

    Older clients give `events` and an offset, newer ones `query` and a page number.
    """
    places = find(node, parse_query(request.query or " AND ".join(request.events)))
    if request.order_by == ORDER_BY_DESC:
        places.reverse()
    limit = min(request.limit or request.pagination.limit or _DEFAULT_PAGE, MAX_LIMIT)
    start = (request.page - 1) * limit if request.page else request.pagination.offset
    found = [with_body(node.store.tx_at(*place)) for place in places[start : start + limit]]
    return GetTxsEventResponse(
        txs=[tx for tx, _ in found],
        tx_responses=[response for _, response in found],
        pagination=PageResponse(total=len(places)),
        total=len(places),
    )


def get_block_with_txs(node: ChainNode, request: GetBlockWithTxsRequest) -> GetBlockWithTxsResponse:
    """One block, with a page of its transactions decoded."""
    found = node.store.block(request.height)
    if found is None:
        raise NotOnChain("block", str(request.height))
    rows = ((u64(position), with_body(one)[0]) for position, one in enumerate(node.store.txs(found.height)))
    taken, answer = page(rows, request.pagination)
    return GetBlockWithTxsResponse(
        txs=taken, block_id=BlockID(hash=found.block_hash), block=tendermint.block(node, found), pagination=answer
    )


def with_body(found: StoredTx) -> tuple[Tx, TxResponse]:
    """An included transaction, decoded, and its answer with the transaction inside."""
    tx = Tx.FromString(found.raw)
    found.response.tx.CopyFrom(AnyMessage(type_url="/cosmos.tx.v1beta1.Tx", value=found.raw))
    return tx, found.response
