"""Paid inference requests: the fee in escrow, its split, and the refund of what nobody answered."""

from __future__ import annotations

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.parameters import share
from r3mes_ray.localnet.records import INFERENCE_DUE, INFERENCES, u64
from r3mes_ray.wire.remes.remes.v1.serving_pb2 import InferenceRequest

SERVING_SHARE = 7_000
MINER_SHARE = 1_000
"""Ten-thousandths of a fee; the rest, two thousand, is the treasury's."""


def number_of(request_id: str) -> int | None:
    """The number at the end of a request's id; `None` where it has none."""
    text = request_id.rpartition("|")[2]
    is_number = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if is_number else None


def due_height(ctx: Context, number: int) -> int:
    """The block at whose end an open request is refunded; 0 for one that is not open."""
    for key, found in INFERENCE_DUE.items(ctx.state):
        if found == number:
            return int.from_bytes(key[:8], "big")
    return 0


def pay_out(ctx: Context, request: InferenceRequest) -> None:
    """Split an answered request's fee: serving node 70 %, treasury 20 %, miners 10 %."""
    fee = _fee(ctx, request)
    serving, miners = share(fee, SERVING_SHARE), share(fee, MINER_SHARE)
    node = parse_address(request.serving_node, ctx.chain.prefix)
    for target, amount in (
        (node, serving),
        (ledger.MINER_POOL, miners),
        (ledger.TREASURY, fee - serving - miners),
    ):
        if amount:
            ledger.move(ctx, ledger.INFERENCE_ESCROW, target, ctx.chain.denom, amount)


def end_block(ctx: Context) -> None:
    """Refund the requests that nobody answered in time."""
    now = u64(ctx.height)
    for _, number in list(INFERENCE_DUE.items(ctx.state, now)):
        INFERENCE_DUE.delete(ctx.state, now, u64(number))
        request = INFERENCES.get(ctx.state, u64(number))
        if request is None:
            continue
        request.status = "expired"
        INFERENCES.put(ctx.state, request, u64(number))
        owner = parse_address(request.requester, ctx.chain.prefix)
        ledger.move(ctx, ledger.INFERENCE_ESCROW, owner, ctx.chain.denom, _fee(ctx, request))
        ctx.emit("inference_expired", request_id=request.request_id, requester=request.requester)


def _fee(ctx: Context, request: InferenceRequest) -> int:
    return int(request.fee.removesuffix(ctx.chain.denom))
