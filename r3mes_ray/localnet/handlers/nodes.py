"""Registration of nodes for roles, with their stake in escrow."""

from __future__ import annotations

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    INSUFFICIENT_STAKE,
    INVALID_COINS,
    INVALID_PARAMETER,
    NODE_EXISTS,
    NOT_AUTHORIZED,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coin_text
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import checked_cid
from r3mes_ray.localnet.records import NODES, STAKES, next_id
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NodeRegistration, NodeType
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgRegisterNode, MsgRegisterNodeResponse

_OPEN_ROLES = (node_pb2.NODE_TYPE_MINING, node_pb2.NODE_TYPE_SERVING, node_pb2.NODE_TYPE_PROPOSER)


def register_node(ctx: Context, message: MsgRegisterNode) -> MsgRegisterNodeResponse:
    """Register the signer for its roles; the stake moves into escrow, a proposer needs the chain's smallest one."""
    account = parse_address(message.node_address, ctx.chain.prefix)
    if NODES.get(ctx.state, account) is not None:
        raise Refused(NODE_EXISTS, message.node_address)
    roles = _checked_roles(message)
    stake = _checked_stake(ctx, message.stake)
    if node_pb2.NODE_TYPE_PROPOSER in roles and stake < ctx.parameters.proposer_stake:
        needed = f"{ctx.parameters.proposer_stake}{ctx.chain.denom}"
        raise Refused(INSUFFICIENT_STAKE, f"a proposer stakes at least {needed}, offered {stake}{ctx.chain.denom}")
    if message.resource_proof_ipfs_hash:
        checked_cid(message.resource_proof_ipfs_hash, "resource_proof_ipfs_hash")
    if stake:
        ledger.move(ctx, account, ledger.STAKE_ESCROW, ctx.chain.denom, stake)
        STAKES.put(ctx.state, stake, account)
    NODES.put(ctx.state, _registration(ctx, message, roles, stake), account)
    ctx.emit("register_node", node_address=message.node_address, node_type=NodeType.Name(roles[0]))
    return MsgRegisterNodeResponse(registration_id=next_id(ctx.state, "node"))


def _checked_roles(message: MsgRegisterNode) -> list[NodeType]:
    """The roles that are asked for; `node_type` alone stands for itself, else it must be one of them."""
    roles = list(message.roles) or [message.node_type]
    if len(set(roles)) != len(roles):
        raise Refused(INVALID_PARAMETER, "a role is listed twice")
    for role in roles:
        if role == node_pb2.NODE_TYPE_VALIDATOR:
            raise Refused(NOT_AUTHORIZED, "validators are admitted by governance")
        if role not in _OPEN_ROLES:
            raise Refused(INVALID_PARAMETER, f"node type {int(role)} is unknown")
    if message.node_type not in roles:
        raise Refused(INVALID_PARAMETER, f"node_type {int(message.node_type)} is not one of the roles")
    if message.role_allocations and [part.role for part in message.role_allocations] != roles:
        raise Refused(INVALID_PARAMETER, "role_allocations must follow roles one by one")
    return roles


def _checked_stake(ctx: Context, text: str) -> int:
    if not text:
        return 0
    denom, amount = parse_coin_text(text)
    if denom != ctx.chain.denom:
        raise Refused(INVALID_COINS, f"stake is paid in {ctx.chain.denom}, not in {denom}")
    return amount


def _registration(ctx: Context, message: MsgRegisterNode, roles: list[NodeType], stake: int) -> NodeRegistration:
    return NodeRegistration(
        node_address=message.node_address,
        node_type=message.node_type,
        resources=message.resources,
        stake=f"{stake}{ctx.chain.denom}",
        status=node_pb2.NODE_STATUS_ACTIVE,
        roles=roles,
        role_allocations=message.role_allocations,
        registered_at_height=ctx.height,
        registered_at_time=ctx.time,
        resource_proof_ipfs_hash=message.resource_proof_ipfs_hash,
        last_heartbeat_height=ctx.height,
    )
