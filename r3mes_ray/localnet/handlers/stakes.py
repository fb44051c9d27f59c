"""Adding to a node's stake, and taking it out."""

from __future__ import annotations

from r3mes_ray.localnet import stakes
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import INSUFFICIENT_STAKE, INVALID_COINS, NODE_NOT_FOUND, Refused
from r3mes_ray.localnet.coins import parse_coin
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import NODES
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.tx_pb2 import (
    MsgAddStake,
    MsgAddStakeResponse,
    MsgWithdrawStake,
    MsgWithdrawStakeResponse,
)


def add_stake(ctx: Context, message: MsgAddStake) -> MsgAddStakeResponse:
    """Add to the signer's stake; with enough of it a slashed node is active again."""
    owner, amount = _checked(ctx, message.node_address, message.amount)
    stakes.add_stake(ctx, owner, amount)
    ctx.emit("add_stake", node_address=message.node_address, amount=f"{amount}{ctx.chain.denom}")
    return MsgAddStakeResponse()


def withdraw_stake(ctx: Context, message: MsgWithdrawStake) -> MsgWithdrawStakeResponse:
    """Take stake out; a node that keeps less than its roles need is inactive from now on."""
    owner, amount = _checked(ctx, message.node_address, message.amount)
    working = stakes.stake_of(ctx.state, owner)
    if amount > working:
        raise Refused(INSUFFICIENT_STAKE, f"{message.node_address} has {working}{ctx.chain.denom} at work")
    due = stakes.start_unbonding(ctx, owner, amount)
    ctx.emit("withdraw_stake", node_address=message.node_address, amount=f"{amount}{ctx.chain.denom}", release=due)
    return MsgWithdrawStakeResponse(release_height=due)


def _checked(ctx: Context, address: str, coin: Coin) -> tuple[bytes, int]:
    owner = parse_address(address, ctx.chain.prefix)
    if NODES.get(ctx.state, owner) is None:
        raise Refused(NODE_NOT_FOUND, address)
    denom, amount = parse_coin(coin)
    if denom != ctx.chain.denom:
        raise Refused(INVALID_COINS, f"stake is paid in {ctx.chain.denom}, not in {denom}")
    return owner, amount
