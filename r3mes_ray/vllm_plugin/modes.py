"""Modes of vLLM that lead around the exact layers, refused while an engine's configuration is put together."""

from __future__ import annotations

from vllm import envs
from vllm.config import LoRAConfig, ModelConfig

from r3mes_ray.errors import ConfigError

_VERIFY = LoRAConfig.verify_with_model_config


def refuse_modes(lora_config: LoRAConfig) -> None:
    """Refuse what leads around the exact layers.

    Raises:
        ConfigError: names the mode.
    """
    if lora_config.fully_sharded_loras:
        raise ConfigError("fully_sharded_loras", "adapters of sharded rank bypass DoRA's gains; leave it off")
    if envs.VLLM_LORA_ENABLE_DUAL_STREAM:
        raise ConfigError("VLLM_LORA_ENABLE_DUAL_STREAM", "the second stream sees no gains; leave it off")


def check_configurations() -> None:
    """Have every configuration checked in the process that asks for an engine, before it starts another one.

    A worker's own refusal would come after the start of two processes, and reach the caller without its text.
    """
    LoRAConfig.verify_with_model_config = _verify


def _verify(self: LoRAConfig, model_config: ModelConfig) -> None:
    refuse_modes(self)
    _VERIFY(self, model_config)
