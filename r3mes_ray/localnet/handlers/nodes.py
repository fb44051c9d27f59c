"""Registration of nodes for roles, with their stake in escrow."""

from __future__ import annotations

from r3mes_ray.localnet import stakes
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    INSUFFICIENT_STAKE,
    INVALID_COINS,
    INVALID_PARAMETER,
    NODE_EXISTS,
    NODE_NOT_FOUND,
    VALIDATORS_FULL,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coin_text
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import checked_cid
from r3mes_ray.localnet.records import NODES, next_id
from r3mes_ray.localnet.verifiers import count_validators
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NodeRegistration, NodeType, RoleAllocation
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgRegisterNode,
    MsgRegisterNodeResponse,
    MsgUpdateNodeRegistration,
    MsgUpdateNodeRegistrationResponse,
)

_ROLES = (
    node_pb2.NODE_TYPE_MINING,
    node_pb2.NODE_TYPE_SERVING,
    node_pb2.NODE_TYPE_VALIDATOR,
    node_pb2.NODE_TYPE_PROPOSER,
)


def register_node(ctx: Context, message: MsgRegisterNode) -> MsgRegisterNodeResponse:
    """Register the signer for its roles; the stake moves into escrow, and must do for each of them."""
    account = parse_address(message.node_address, ctx.chain.prefix)
    if NODES.get(ctx.state, account) is not None:
        raise Refused(NODE_EXISTS, message.node_address)
    roles = _checked_roles(list(message.roles) or [message.node_type], list(message.role_allocations))
    if message.node_type not in roles:
        raise Refused(INVALID_PARAMETER, f"node_type {int(message.node_type)} is not one of the roles")
    stake = _checked_stake(ctx, message.stake)
    record = _registration(ctx, message, roles, stake)
    _check_enough(ctx, record, stake)
    _check_room(ctx, roles)
    if message.resource_proof_ipfs_hash:
        checked_cid(message.resource_proof_ipfs_hash, "resource_proof_ipfs_hash")
    NODES.put(ctx.state, record, account)
    if stake:
        stakes.add_stake(ctx, account, stake)
    ctx.emit("register_node", node_address=message.node_address, node_type=NodeType.Name(roles[0]))
    return MsgRegisterNodeResponse(registration_id=next_id(ctx.state, "node"))


def update_registration(ctx: Context, message: MsgUpdateNodeRegistration) -> MsgUpdateNodeRegistrationResponse:
    """Change what a node offers; what the message leaves out stays. Stake is changed by AddStake and WithdrawStake."""
    account = parse_address(message.node_address, ctx.chain.prefix)
    record = NODES.get(ctx.state, account)
    if record is None:
        raise Refused(NODE_NOT_FOUND, message.node_address)
    if message.roles or message.role_allocations:
        roles = _checked_roles(list(message.roles or record.roles), list(message.role_allocations))
        if set(roles) - set(record.roles):
            _check_room(ctx, [role for role in roles if role not in record.roles])
        _set_roles(record, roles, list(message.role_allocations))
        _check_enough(ctx, record, stakes.stake_of(ctx.state, account))
    if message.HasField("resources"):
        record.resources.CopyFrom(message.resources)
    if message.resource_proof_ipfs_hash:
        record.resource_proof_ipfs_hash = checked_cid(message.resource_proof_ipfs_hash, "resource_proof_ipfs_hash")
    record.last_heartbeat_height = ctx.height
    NODES.put(ctx.state, record, account)
    stakes.refresh(ctx, account)
    ctx.emit("update_node_registration", node_address=message.node_address)
    return MsgUpdateNodeRegistrationResponse()


def _set_roles(record: NodeRegistration, roles: list[NodeType], allocations: list[RoleAllocation]) -> None:
    del record.roles[:]
    record.roles.extend(roles)
    if record.node_type not in roles:
        record.node_type = roles[0]
    del record.role_allocations[:]
    record.role_allocations.extend(allocations)


def _checked_roles(roles: list[NodeType], allocations: list[RoleAllocation]) -> list[NodeType]:
    if len(set(roles)) != len(roles):
        raise Refused(INVALID_PARAMETER, "a role is listed twice")
    for role in roles:
        if role not in _ROLES:
            raise Refused(INVALID_PARAMETER, f"node type {int(role)} is unknown")
    if allocations and [part.role for part in allocations] != roles:
        raise Refused(INVALID_PARAMETER, "role_allocations must follow roles one by one")
    return roles


def _check_enough(ctx: Context, record: NodeRegistration, stake: int) -> None:
    needed = stakes.needed_for(ctx, record)
    if stake < needed:
        denom = ctx.chain.denom
        raise Refused(INSUFFICIENT_STAKE, f"these roles stake at least {needed}{denom}, there is {stake}{denom}")


def _check_room(ctx: Context, roles: list[NodeType]) -> None:
    """Limit validators: with their stake they need no admission, but panels are drawn from a list."""
    limit = ctx.parameters.max_validators
    if node_pb2.NODE_TYPE_VALIDATOR in roles and count_validators(ctx) >= limit:
        raise Refused(VALIDATORS_FULL, f"the limit is {limit}")


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
