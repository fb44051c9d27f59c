"""Paid inference requests, and what serving nodes say of themselves."""

from __future__ import annotations

from r3mes_ray.errors import InvalidAddress
from r3mes_ray.localnet import inference, ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    INVALID_ADDRESS,
    INVALID_COINS,
    NODE_NOT_FOUND,
    NODE_UNAVAILABLE,
    NOT_AUTHORIZED,
    REQUEST_CLOSED,
    REQUEST_NOT_FOUND,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coin_text
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import checked_cid, checked_text
from r3mes_ray.localnet.records import INFERENCE_DUE, INFERENCES, NODES, SERVING, next_id, u64
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_STATUS_ACTIVE, NODE_TYPE_SERVING
from r3mes_ray.wire.remes.remes.v1.serving_pb2 import InferenceRequest, ServingNodeStatus
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgRequestInference,
    MsgRequestInferenceResponse,
    MsgSubmitInferenceResult,
    MsgSubmitInferenceResultResponse,
    MsgUpdateServingNodeStatus,
    MsgUpdateServingNodeStatusResponse,
)

_MAX_VERSION_CHARS = 256


def request_inference(ctx: Context, message: MsgRequestInference) -> MsgRequestInferenceResponse:
    """Ask a serving node for an answer; the fee lies in escrow until it answers, or its time is over."""
    checked_cid(message.input_data_ipfs_hash, "input_data_ipfs_hash")
    node = _serving_node(ctx, message.serving_node)
    checked_text(message.model_version, "model_version", 1, _MAX_VERSION_CHARS)
    status = SERVING.get(ctx.state, node)
    if status is None or not status.is_available or status.model_version != message.model_version:
        raise Refused(NODE_UNAVAILABLE, f"{message.serving_node} has not said that it serves {message.model_version!r}")
    denom, fee = parse_coin_text(message.fee)
    if denom != ctx.chain.denom:
        raise Refused(INVALID_COINS, f"fees are paid in {ctx.chain.denom}, not in {denom}")
    requester = parse_address(message.requester, ctx.chain.prefix)
    ledger.move(ctx, requester, ledger.INFERENCE_ESCROW, denom, fee)
    number = next_id(ctx.state, "inference")
    record = InferenceRequest(
        request_id=f"{message.requester}|{ctx.height}|{number}",
        requester=message.requester,
        serving_node=message.serving_node,
        model_version=message.model_version,
        input_data_ipfs_hash=message.input_data_ipfs_hash,
        fee=message.fee,
        request_time=ctx.time,
        status="pending",
    )
    INFERENCES.put(ctx.state, record, u64(number))
    INFERENCE_DUE.put(ctx.state, number, u64(ctx.height + ctx.parameters.inference_blocks), u64(number))
    status.total_requests += 1
    SERVING.put(ctx.state, status, node)
    ctx.emit(
        "request_inference",
        request_id=record.request_id,
        requester=message.requester,
        serving_node=message.serving_node,
        model_version=message.model_version,
        fee=message.fee,
    )
    return MsgRequestInferenceResponse(request_id=record.request_id)


def submit_result(ctx: Context, message: MsgSubmitInferenceResult) -> MsgSubmitInferenceResultResponse:
    """Answer an open request, once; the fee is split."""
    number = inference.number_of(message.request_id)
    record = None if number is None else INFERENCES.get(ctx.state, u64(number))
    if record is None or number is None or record.request_id != message.request_id:
        raise Refused(REQUEST_NOT_FOUND, message.request_id[:120])
    if record.serving_node != message.serving_node:
        raise Refused(NOT_AUTHORIZED, f"the request is to {record.serving_node}")
    if record.status != "pending":
        raise Refused(REQUEST_CLOSED, f"it is {record.status}")
    checked_cid(message.result_ipfs_hash, "result_ipfs_hash")
    INFERENCE_DUE.delete(ctx.state, u64(inference.due_height(ctx, number)), u64(number))
    record.status = "completed"
    record.result_ipfs_hash = message.result_ipfs_hash
    record.latency_ms = message.latency_ms
    record.response_time.CopyFrom(ctx.time)
    INFERENCES.put(ctx.state, record, u64(number))
    inference.pay_out(ctx, record)
    _count(ctx, message)
    ctx.emit(
        "submit_inference_result",
        request_id=record.request_id,
        serving_node=message.serving_node,
        result_ipfs_hash=message.result_ipfs_hash,
        latency_ms=message.latency_ms,
    )
    return MsgSubmitInferenceResultResponse(accepted=True)


def update_status(ctx: Context, message: MsgUpdateServingNodeStatus) -> MsgUpdateServingNodeStatusResponse:
    """What a serving node serves; empty texts keep what it said before."""
    node = _serving_node(ctx, message.serving_node)
    checked_text(message.model_version, "model_version", 0, _MAX_VERSION_CHARS)
    if message.model_ipfs_hash:
        checked_cid(message.model_ipfs_hash, "model_ipfs_hash")
    status = SERVING.get(ctx.state, node) or ServingNodeStatus(node_address=message.serving_node)
    status.model_version = message.model_version or status.model_version
    status.model_ipfs_hash = message.model_ipfs_hash or status.model_ipfs_hash
    status.is_available = message.is_available
    status.last_heartbeat.CopyFrom(ctx.time)
    SERVING.put(ctx.state, status, node)
    ctx.emit(
        "update_serving_node_status",
        serving_node=message.serving_node,
        model_version=status.model_version,
        is_available=str(message.is_available).lower(),
    )
    return MsgUpdateServingNodeStatusResponse(updated=True)


def _serving_node(ctx: Context, address: str) -> bytes:
    try:
        owner = parse_address(address, ctx.chain.prefix)
    except InvalidAddress as error:
        raise Refused(INVALID_ADDRESS, f"serving_node: {error}") from error
    node = NODES.get(ctx.state, owner)
    if node is None or NODE_TYPE_SERVING not in node.roles or node.status != NODE_STATUS_ACTIVE:
        raise Refused(NODE_NOT_FOUND, f"{address} is no active serving node")
    return owner


def _count(ctx: Context, message: MsgSubmitInferenceResult) -> None:
    owner = parse_address(message.serving_node, ctx.chain.prefix)
    status = SERVING.get(ctx.state, owner)
    if status is None:
        return
    before = status.successful_requests
    total = status.average_latency_ms * before + message.latency_ms
    status.successful_requests += 1
    status.average_latency_ms = min(total // (before + 1), 2**64 - 1)
    SERVING.put(ctx.state, status, owner)
