"""Sending coins."""

from __future__ import annotations

from r3mes_ray.errors import InvalidAddress
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import INVALID_ADDRESS, INVALID_COINS, UNAUTHORIZED, Refused
from r3mes_ray.localnet.coins import parse_coins
from r3mes_ray.localnet.context import Context
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend, MsgSendResponse


def send(ctx: Context, message: MsgSend) -> MsgSendResponse:
    """Pay another account; module accounts cannot be paid."""
    sender = parse_address(message.from_address, ctx.chain.prefix)
    try:
        recipient = parse_address(message.to_address, ctx.chain.prefix)
    except InvalidAddress as error:
        raise Refused(INVALID_ADDRESS, f"to_address: {error}") from error
    if recipient in ledger.MODULE_ACCOUNTS:
        raise Refused(UNAUTHORIZED, f"{message.to_address} is not allowed to receive funds")
    amounts = parse_coins(message.amount)
    if not amounts:
        raise Refused(INVALID_COINS, "nothing to send")
    for denom, amount in amounts.items():
        ledger.move(ctx, sender, recipient, denom, amount)
    return MsgSendResponse()
