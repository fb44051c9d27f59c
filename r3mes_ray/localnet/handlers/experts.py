"""Registration of experts with a bond in escrow, and their retirement, which gives it back."""

from __future__ import annotations

import re

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    EXPERT_EXISTS,
    EXPERT_NOT_FOUND,
    EXPERT_RETIRED,
    INSUFFICIENT_STAKE,
    INVALID_COINS,
    INVALID_MODEL,
    INVALID_PARAMETER,
    NOT_AUTHORIZED,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coin
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import checked_cid
from r3mes_ray.localnet.records import EXPERT_ROUNDS, EXPERTS, expert_key
from r3mes_ray.protocol.framing import hex32
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.tx_pb2 import (
    MsgRegisterExpert,
    MsgRegisterExpertResponse,
    MsgRetireExpert,
    MsgRetireExpertResponse,
)
from r3mes_ray.wire.r3mes.v1.types_pb2 import Expert

# Neither may hold '@' or '|': they separate the parts of a model version and of what a miner signs.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_BASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")


def register_expert(ctx: Context, message: MsgRegisterExpert) -> MsgRegisterExpertResponse:
    """Register a name for an expert on one base; its version is 0 until a round is finalised."""
    if _NAME.fullmatch(message.name) is None:
        raise Refused(
            INVALID_PARAMETER, f"{message.name[:80]!r}: a name is 1 to 63 of a-z 0-9 - _, and starts with no sign"
        )
    if _BASE.fullmatch(message.base_model) is None:
        raise Refused(INVALID_MODEL, f"{message.base_model[:80]!r} is no base model's name")
    try:
        hex32(message.base_hash, "base_hash")
    except InvalidInput as error:
        raise Refused(INVALID_MODEL, str(error)) from error
    checked_cid(message.description_cid, "description_cid")
    if EXPERTS.get(ctx.state, message.name.encode()) is not None:
        raise Refused(EXPERT_EXISTS, message.name)
    _escrow_bond(ctx, message)
    expert = Expert(
        name=message.name,
        owner=message.owner,
        base_model=message.base_model,
        base_hash=message.base_hash,
        description_cid=message.description_cid,
        bond=message.bond,
        registered_height=ctx.height,
    )
    EXPERTS.put(ctx.state, expert, message.name.encode())
    ctx.emit("register_expert", owner=message.owner, expert=message.name, base_model=message.base_model)
    return MsgRegisterExpertResponse()


def retire_expert(ctx: Context, message: MsgRetireExpert) -> MsgRetireExpertResponse:
    """Give the owner its bond back: no further round is opened, one that is open runs to its end.

    A name that had a round is never given again, since commitments and versions name it; one that had none is free.
    """
    expert = EXPERTS.get(ctx.state, message.name.encode())
    if expert is None:
        raise Refused(EXPERT_NOT_FOUND, message.name[:80])
    if expert.owner != message.owner:
        raise Refused(NOT_AUTHORIZED, f"{expert.name} is {expert.owner}'s")
    if expert.retired_height:
        raise Refused(EXPERT_RETIRED, f"{expert.name} was retired at height {expert.retired_height}")
    bond, owner = Coin(), parse_address(message.owner, ctx.chain.prefix)
    bond.CopyFrom(expert.bond)
    ledger.move(ctx, ledger.BOND_ESCROW, owner, bond.denom, int(bond.amount))
    if any(True for _ in EXPERT_ROUNDS.items(ctx.state, expert_key(expert.name))):
        expert.retired_height = ctx.height
        expert.bond.amount = "0"
        EXPERTS.put(ctx.state, expert, expert.name.encode())
    else:
        EXPERTS.delete(ctx.state, expert.name.encode())
    ctx.emit("retire_expert", owner=message.owner, expert=expert.name, bond=f"{bond.amount}{bond.denom}")
    return MsgRetireExpertResponse(bond=bond)


def _escrow_bond(ctx: Context, message: MsgRegisterExpert) -> None:
    denom, amount = parse_coin(message.bond)
    if denom != ctx.chain.denom:
        raise Refused(INVALID_COINS, f"the bond is paid in {ctx.chain.denom}, not in {denom}")
    needed = ctx.parameters.expert_bond
    if amount < needed:
        raise Refused(INSUFFICIENT_STAKE, f"the bond is at least {needed}{denom}, offered {amount}{denom}")
    ledger.move(ctx, parse_address(message.owner, ctx.chain.prefix), ledger.BOND_ESCROW, denom, amount)
