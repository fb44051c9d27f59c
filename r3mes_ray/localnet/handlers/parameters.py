"""Parameters, which only a passed proposal changes: the predecessor's eight by its own message, all by ours."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from pydantic import ValidationError

from r3mes_ray.localnet.codes import INVALID_PARAMETER, Refused
from r3mes_ray.localnet.coins import parse_coin_text
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.genesis import PARAMETERS_KEY, canonical
from r3mes_ray.localnet.handlers.checks import check_authority
from r3mes_ray.localnet.parameters import AMOUNTS, Parameters
from r3mes_ray.wire.r3mes.v1 import tx_pb2 as r3mes
from r3mes_ray.wire.remes.remes.v1 import tx_pb2 as remes
from r3mes_ray.wire.remes.remes.v1.params_pb2 import Params


def update_params(ctx: Context, message: remes.MsgUpdateParams) -> remes.MsgUpdateParamsResponse:
    """Set the parameters that the predecessor's message has; all of them, as in the SDK."""
    check_authority(ctx, message.authority)
    wanted = message.params
    if wanted.HasField("scalability_params"):
        raise Refused(INVALID_PARAMETER, "scalability_params have no meaning on this chain")
    if wanted.stake_denom != ctx.chain.denom:
        raise Refused(INVALID_PARAMETER, f"stake_denom is {ctx.chain.denom} for good")
    changes: dict[str, object] = {
        "nonce_window": wanted.nonce_window_size,
        "proposer_stake": _number(wanted.min_stake, "min_stake"),
        "proof_of_work_bits": _number(wanted.mining_difficulty, "mining_difficulty"),
        "miner_reward": _reward(ctx, wanted),
        "max_validators": wanted.max_validators,
        "fraud_slash": _share(wanted.slashing_penalty),
        "challenge_blocks": wanted.challenge_period_blocks,
    }
    _hold(ctx, changes)
    ctx.emit("update_params", authority=message.authority, changed=",".join(changes))
    return remes.MsgUpdateParamsResponse()


def change_params(ctx: Context, message: r3mes.MsgUpdateParams) -> r3mes.MsgUpdateParamsResponse:
    """Set the parameters that the message names; the others stay. The rule set is not among them."""
    check_authority(ctx, message.authority)
    changes: dict[str, object] = {field.name: value for field, value in message.changes.ListFields()}
    if not changes:
        raise Refused(INVALID_PARAMETER, "no parameter is named")
    for name in AMOUNTS & changes.keys():
        changes[name] = _number(str(changes[name]), name)
    _hold(ctx, changes)
    ctx.emit("update_params", authority=message.authority, changed=",".join(changes))
    return r3mes.MsgUpdateParamsResponse()


def _hold(ctx: Context, changes: dict[str, object]) -> None:
    try:
        held = Parameters.model_validate({**ctx.parameters.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(INVALID_PARAMETER, f"{first['loc'][0]}: {first['msg']}") from error
    for low, high in (("min_phase_blocks", "max_phase_blocks"), ("max_tx_bytes", "max_block_bytes")):
        if getattr(held, low) > getattr(held, high):
            raise Refused(INVALID_PARAMETER, f"{low} is above {high}")
    ctx.state.put(PARAMETERS_KEY, canonical(held))


def _number(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 39:
        raise Refused(INVALID_PARAMETER, f"{field} {text[:40]!r} is not a whole number")
    return int(text)


def _reward(ctx: Context, wanted: Params) -> int:
    text = wanted.reward_per_gradient
    if text == f"0{ctx.chain.denom}":
        return 0
    denom, amount = parse_coin_text(text)
    if denom != ctx.chain.denom:
        raise Refused(INVALID_PARAMETER, f"rewards are paid in {ctx.chain.denom}")
    return amount


def _share(text: str) -> int:
    """A decimal fraction with at most four digits, in ten-thousandths."""
    try:
        parts = Decimal(text[:20]) * 10_000
    except InvalidOperation as error:
        raise Refused(INVALID_PARAMETER, f"slashing_penalty {text[:40]!r} is not a decimal") from error
    if not parts.is_finite() or parts != parts.to_integral_value() or not 0 <= parts <= 10_000:
        raise Refused(INVALID_PARAMETER, f"slashing_penalty {text[:40]!r} is not 0 to 1 with at most 4 digits")
    return int(parts)
