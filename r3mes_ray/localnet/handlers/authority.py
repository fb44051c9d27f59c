"""What only a passed proposal can do: parameters and base models."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from pydantic import ValidationError

from r3mes_ray.localnet.codes import INVALID_MODEL, INVALID_PARAMETER, MODEL_NOT_FOUND, Refused
from r3mes_ray.localnet.coins import parse_coin_text
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.genesis import PARAMETERS_KEY, canonical
from r3mes_ray.localnet.handlers.checks import check_authority, checked_text
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.localnet.records import COUNTERS, MODELS, u64
from r3mes_ray.wire.remes.remes.v1 import model_pb2
from r3mes_ray.wire.remes.remes.v1.model_pb2 import ModelConfig, ModelRegistry
from r3mes_ray.wire.remes.remes.v1.params_pb2 import Params
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgActivateModel,
    MsgActivateModelResponse,
    MsgRegisterModel,
    MsgRegisterModelResponse,
    MsgUpdateParams,
    MsgUpdateParamsResponse,
)

_MAX_CONFIG_CHARS = 16_384


def update_params(ctx: Context, message: MsgUpdateParams) -> MsgUpdateParamsResponse:
    """Set the parameters that the predecessor's message has; all of them, as in the SDK."""
    check_authority(ctx, message.authority)
    wanted = message.params
    if wanted.HasField("scalability_params"):
        raise Refused(INVALID_PARAMETER, "scalability_params have no meaning on this chain")
    if wanted.stake_denom != ctx.chain.denom:
        raise Refused(INVALID_PARAMETER, f"stake_denom is {ctx.chain.denom} for good")
    changes = {
        "nonce_window": wanted.nonce_window_size,
        "proposer_stake": _number(wanted.min_stake, "min_stake"),
        "proof_of_work_bits": _number(wanted.mining_difficulty, "mining_difficulty"),
        "miner_reward": _reward(ctx, wanted),
        "max_validators": wanted.max_validators,
        "fraud_slash": _share(wanted.slashing_penalty),
        "challenge_blocks": wanted.challenge_period_blocks,
    }
    try:
        held = Parameters.model_validate({**ctx.parameters.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(INVALID_PARAMETER, f"{first['loc'][0]}: {first['msg']}") from error
    ctx.state.put(PARAMETERS_KEY, canonical(held))
    ctx.emit("update_params", authority=message.authority)
    return MsgUpdateParamsResponse()


def register_model(ctx: Context, message: MsgRegisterModel) -> MsgRegisterModelResponse:
    """Add a base model, which is not active yet; ids start at 1, for 0 stands for none."""
    check_authority(ctx, message.authority)
    _check_config(message.config)
    number = (COUNTERS.get(ctx.state, b"model") or 0) + 1
    COUNTERS.put(ctx.state, number, b"model")
    record = ModelRegistry(
        model_id=number,
        config=message.config,
        approved_at_height=ctx.height,
        approved_by=message.proposal_id,
        created_at=ctx.time,
    )
    MODELS.put(ctx.state, record, u64(number))
    ctx.emit("register_model", model_id=number, model_version=message.config.model_version)
    return MsgRegisterModelResponse(model_id=number)


def activate_model(ctx: Context, message: MsgActivateModel) -> MsgActivateModelResponse:
    """Let updates name a model."""
    check_authority(ctx, message.authority)
    record = MODELS.get(ctx.state, u64(message.model_id))
    if record is None:
        raise Refused(MODEL_NOT_FOUND, f"model {message.model_id}")
    record.is_active = True
    MODELS.put(ctx.state, record, u64(record.model_id))
    ctx.emit("activate_model", model_id=record.model_id)
    return MsgActivateModelResponse()


def _check_config(config: ModelConfig) -> None:
    known = config.model_type in model_pb2.ModelType.values()
    if not known or config.model_type == model_pb2.MODEL_TYPE_UNSPECIFIED:
        raise Refused(INVALID_MODEL, f"model type {int(config.model_type)} is unknown")
    checked_text(config.model_version, "model_version", 1, 128, INVALID_MODEL)
    checked_text(config.architecture_config, "architecture_config", 0, _MAX_CONFIG_CHARS, INVALID_MODEL)
    if not 0 <= config.required_disk_space_gb < 10**9:
        raise Refused(INVALID_MODEL, "required_disk_space_gb is out of range")


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
