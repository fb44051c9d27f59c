"""Putting the exact classes in the place of vLLM's, in every process of an engine."""

from __future__ import annotations

import vllm.lora.utils
import vllm.v1.worker.lora_model_runner_mixin as mixin
from vllm import ModelRegistry
from vllm.model_executor.layers.quantization import register_quantization_config
from vllm.platforms import current_platform

import r3mes_ray.vllm_plugin.operation
import r3mes_ray.vllm_plugin.row_operations  # noqa: F401 (both register operations)
from r3mes_ray.vllm_plugin.bitnet_quantization import METHOD, BitNetQuantization
from r3mes_ray.vllm_plugin.experts import keep_kernels
from r3mes_ray.vllm_plugin.layers import GROUPED_LAYERS, STACKED_LAYERS
from r3mes_ray.vllm_plugin.modes import check_configurations
from r3mes_ray.vllm_plugin.worker import ExactWorkerManager

_PUNICA = "r3mes_ray.vllm_plugin.punica.GroupedPunicaWrapper"
_MODEL = "r3mes_ray.vllm_plugin.bitnet_model:BitNetForCausalLM"


def register_all() -> None:
    """Register model, quantisation, layers and managers; doing it again changes nothing."""
    register_quantization_config(METHOD)(BitNetQuantization)
    for architecture in ("BitNetForCausalLM", "BitnetForCausalLM"):
        ModelRegistry.register_model(architecture, _MODEL)
    cpu = current_platform.is_cpu()
    ours = GROUPED_LAYERS if cpu else STACKED_LAYERS
    known = vllm.lora.utils._all_lora_classes
    vllm.lora.utils._all_lora_classes = tuple(ours.get(stock, stock) for stock in known)
    check_configurations()
    keep_kernels()
    mixin.LRUCacheWorkerLoRAManager = ExactWorkerManager
    if cpu:
        type(current_platform).get_punica_wrapper = classmethod(lambda cls: _PUNICA)
