"""Stake in escrow: what each role needs, taking it out, slashing, and the time for an appeal."""

from __future__ import annotations

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import format_address, parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.parameters import share
from r3mes_ray.localnet.records import (
    NODES,
    SLASH_DUE,
    SLASHES,
    STAKES,
    UNBONDING,
    UNBONDING_DUE,
    next_id,
    u64,
)
from r3mes_ray.localnet.state import State
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.types_pb2 import Slash
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NodeRegistration

_HEIGHT_BYTES = 8


def stake_of(state: State, owner: bytes) -> int:
    """What works for a node: its escrow without what is on its way out."""
    return (STAKES.get(state, owner) or 0) - (UNBONDING.get(state, owner) or 0)


def total_stake(state: State) -> int:
    """All stake that works."""
    return sum(stake_of(state, owner) for owner, _ in STAKES.items(state))


def needed_for(ctx: Context, node: NodeRegistration) -> int:
    """The smallest stake for a node's roles."""
    needs = {
        node_pb2.NODE_TYPE_PROPOSER: ctx.parameters.proposer_stake,
        node_pb2.NODE_TYPE_VALIDATOR: ctx.parameters.validator_stake,
    }
    return max((needs.get(role, 0) for role in node.roles), default=0)


def add_stake(ctx: Context, owner: bytes, amount: int) -> None:
    """Move coins into a registered node's escrow.

    Raises:
        Refused: INSUFFICIENT_FUNDS.
    """
    ledger.move(ctx, owner, ledger.STAKE_ESCROW, ctx.chain.denom, amount)
    STAKES.put(ctx.state, (STAKES.get(ctx.state, owner) or 0) + amount, owner)
    refresh(ctx, owner)


def start_unbonding(ctx: Context, owner: bytes, amount: int) -> int:
    """Begin to take stake out; returns the height at whose end it is paid."""
    due = ctx.height + ctx.parameters.unbonding_blocks
    UNBONDING.put(ctx.state, (UNBONDING.get(ctx.state, owner) or 0) + amount, owner)
    waiting = UNBONDING_DUE.get(ctx.state, u64(due), owner) or 0
    UNBONDING_DUE.put(ctx.state, waiting + amount, u64(due), owner)
    refresh(ctx, owner)
    return due


def refresh(ctx: Context, owner: bytes) -> None:
    """Write a node's working stake into its registration, and whether that is enough for its roles."""
    node = NODES.get(ctx.state, owner)
    if node is None:
        return
    stake = stake_of(ctx.state, owner)
    node.stake = f"{stake}{ctx.chain.denom}"
    if stake >= needed_for(ctx, node):
        node.status = node_pb2.NODE_STATUS_ACTIVE
    elif node.slashing_events:
        node.status = node_pb2.NODE_STATUS_SLASHED
    else:
        node.status = node_pb2.NODE_STATUS_INACTIVE
    NODES.put(ctx.state, node, owner)


def slash(ctx: Context, address: str, part: int, reason: str, beneficiary: str = "") -> None:
    """Take a part (in ten-thousandths) of a node's escrow, and hold it while it can be appealed.

    Stake that is on its way out is taken too, first of all.
    """
    owner = parse_address(address, ctx.chain.prefix)
    held = STAKES.get(ctx.state, owner) or 0
    amount = share(held, part)
    node = NODES.get(ctx.state, owner)
    if node is None or amount == 0:
        return
    _shrink_unbonding(ctx, owner, amount)
    _set_stake(ctx, owner, held - amount)
    ledger.move(ctx, ledger.STAKE_ESCROW, ledger.SLASH_ESCROW, ctx.chain.denom, amount)
    node.slashing_events += 1
    NODES.put(ctx.state, node, owner)
    refresh(ctx, owner)
    record = Slash(
        slash_id=next_id(ctx.state, "slash"),
        node_address=address,
        amount=Coin(denom=ctx.chain.denom, amount=str(amount)),
        reason=reason,
        beneficiary=beneficiary,
        slashed_height=ctx.height,
        release_height=ctx.height + ctx.parameters.appeal_blocks,
        status="held",
    )
    SLASHES.put(ctx.state, record, u64(record.slash_id))
    SLASH_DUE.put(ctx.state, record.slash_id, u64(record.release_height), u64(record.slash_id))
    ctx.emit("node_slash", node_address=address, amount=f"{amount}{ctx.chain.denom}", reason=reason)


def hold_longer(ctx: Context, record: Slash, release_height: int) -> None:
    """Keep a slash until an appeal is decided."""
    SLASH_DUE.delete(ctx.state, u64(record.release_height), u64(record.slash_id))
    record.release_height = release_height
    SLASHES.put(ctx.state, record, u64(record.slash_id))
    SLASH_DUE.put(ctx.state, record.slash_id, u64(release_height), u64(record.slash_id))


def give_back(ctx: Context, record: Slash) -> None:
    """Return a slash to its node, whose appeal was right."""
    owner = parse_address(record.node_address, ctx.chain.prefix)
    amount = int(record.amount.amount)
    _finish(ctx, record, "returned")
    ledger.move(ctx, ledger.SLASH_ESCROW, ledger.STAKE_ESCROW, ctx.chain.denom, amount)
    _set_stake(ctx, owner, (STAKES.get(ctx.state, owner) or 0) + amount)
    node = NODES.get(ctx.state, owner)
    if node is not None:
        node.slashing_events -= 1
        NODES.put(ctx.state, node, owner)
    refresh(ctx, owner)


def end_block(ctx: Context) -> None:
    """Pay stake whose time is over, and slashes that nobody appealed in time."""
    now = u64(ctx.height)
    for owner, amount in list(UNBONDING_DUE.items(ctx.state, now)):
        UNBONDING_DUE.delete(ctx.state, now, owner)
        _add_unbonding(ctx, owner, -amount)
        _set_stake(ctx, owner, (STAKES.get(ctx.state, owner) or 0) - amount)
        ledger.move(ctx, ledger.STAKE_ESCROW, owner, ctx.chain.denom, amount)
        ctx.emit("stake_released", node_address=format_address(owner, ctx.chain.prefix), amount=amount)
    for _, number in list(SLASH_DUE.items(ctx.state, now)):
        record = SLASHES.get(ctx.state, u64(number))
        if record is not None:
            _pay(ctx, record)


def _pay(ctx: Context, record: Slash) -> None:
    amount = int(record.amount.amount)
    reward = amount // 2 if record.beneficiary else 0
    _finish(ctx, record, "paid")
    if reward:
        target = parse_address(record.beneficiary, ctx.chain.prefix)
        ledger.move(ctx, ledger.SLASH_ESCROW, target, ctx.chain.denom, reward)
    ledger.move(ctx, ledger.SLASH_ESCROW, ledger.TREASURY, ctx.chain.denom, amount - reward)


def _finish(ctx: Context, record: Slash, status: str) -> None:
    SLASH_DUE.delete(ctx.state, u64(record.release_height), u64(record.slash_id))
    record.status = status
    SLASHES.put(ctx.state, record, u64(record.slash_id))
    ctx.emit("slash_settled", slash_id=record.slash_id, node_address=record.node_address, status=status)


def _shrink_unbonding(ctx: Context, owner: bytes, amount: int) -> None:
    """Take a slash from what leaves soonest; the rest of it comes from the working stake."""
    left = min(amount, UNBONDING.get(ctx.state, owner) or 0)
    _add_unbonding(ctx, owner, -left)
    for key, waiting in list(UNBONDING_DUE.items(ctx.state)):
        if left == 0:
            return
        if key[_HEIGHT_BYTES:] != owner:
            continue
        taken = min(left, waiting)
        left -= taken
        if taken == waiting:
            UNBONDING_DUE.delete(ctx.state, key)
        else:
            UNBONDING_DUE.put(ctx.state, waiting - taken, key)


def _add_unbonding(ctx: Context, owner: bytes, change: int) -> None:
    amount = (UNBONDING.get(ctx.state, owner) or 0) + change
    if amount:
        UNBONDING.put(ctx.state, amount, owner)
    else:
        UNBONDING.delete(ctx.state, owner)


def _set_stake(ctx: Context, owner: bytes, amount: int) -> None:
    if amount:
        STAKES.put(ctx.state, amount, owner)
    else:
        STAKES.delete(ctx.state, owner)
