"""Base models, which only a passed proposal registers and activates."""

from __future__ import annotations

from r3mes_ray.localnet.codes import INVALID_MODEL, MODEL_NOT_FOUND, Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import check_authority, checked_text
from r3mes_ray.localnet.records import COUNTERS, MODELS, u64
from r3mes_ray.wire.remes.remes.v1 import model_pb2
from r3mes_ray.wire.remes.remes.v1.model_pb2 import ModelConfig, ModelRegistry
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgActivateModel,
    MsgActivateModelResponse,
    MsgRegisterModel,
    MsgRegisterModelResponse,
)

_MAX_CONFIG_CHARS = 16_384


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
