"""Experts of an MoE take no adapter: they run as in an engine without adapters.

vLLM has a LoRA layer for them, which knows no gains, reserves factors for every expert and slot, and computes with
kernels of its own (Triton's): a CPU has none of those, and fails at the first request.
"""

from __future__ import annotations

from typing import Any

import vllm.model_executor.layers.fused_moe.layer as fused_moe
from torch import nn
from vllm.model_executor.layers.fused_moe import MoERunner
from vllm.model_executor.layers.fused_moe.config import FusedMoEConfig


def keep_kernels() -> None:
    """Have the experts of every model computed by the kernels that an engine without adapters takes."""
    fused_moe.FusedMoEConfig = _without_adapters


def expert_modules(model: nn.Module) -> set[str]:
    """Last parts of the names of the model's layers of experts."""
    return {name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, MoERunner)}


def _without_adapters(**settings: Any) -> FusedMoEConfig:
    return FusedMoEConfig(**settings | {"is_lora_enabled": False})
