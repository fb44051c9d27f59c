"""BitNet's arithmetic as a quantisation method of vLLM: ternary weights, activations in int8 steps of each token.

No kernel for packed weights exists here: they are dequantised once, when the model is loaded. In float32 the scale is
multiplied into them; in a shorter type it stays beside the codes, which are exact in every type.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from vllm.distributed import tensor_model_parallel_all_gather
from vllm.logger import init_logger
from vllm.model_executor.layers.linear import LinearBase, RowParallelLinear, UnquantizedLinearMethod
from vllm.model_executor.layers.quantization.base_config import QuantizationConfig
from vllm.model_executor.utils import set_weight_attrs

from r3mes_ray.models.bitnet import SMALLEST

METHOD = "bitnet"
"""`quant_method` in config.json, as transformers writes it."""

logger = init_logger(__name__)


class BitNetQuantization(QuantizationConfig):
    """The scheme of a model folder (`quantization_config`); an empty one means latent weights, rounded when loaded."""

    def __init__(self, scheme: dict[str, Any]) -> None:
        super().__init__()
        self.scheme = scheme

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BitNetQuantization:
        """From config.json."""
        return cls(config)

    @classmethod
    def get_name(cls) -> str:
        """Name of the method."""
        return METHOD

    @classmethod
    def get_supported_act_dtypes(cls) -> list[torch.dtype]:
        """All that a model is run in."""
        return [torch.float32, torch.bfloat16, torch.float16]

    @classmethod
    def get_min_capability(cls) -> int:
        """Plain matrix products: any device."""
        return -1

    @staticmethod
    def get_config_filenames() -> list[str]:
        """The scheme is in config.json."""
        return []

    def get_quant_method(self, layer: nn.Module, prefix: str) -> BitNetLinearMethod | None:
        """Every linear layer; embeddings and lm_head are not ternary."""
        return BitNetLinearMethod() if isinstance(layer, LinearBase) else None


class BitNetLinearMethod(UnquantizedLinearMethod):
    """Ternary codes with a scale for each output row, and rounded activations."""

    def create_weights(self, layer: Any, *sizes: Any, **attributes: Any) -> None:
        """Add the row scales to the dense weight."""
        super().create_weights(layer, *sizes, **attributes)
        layer.weight_scale = nn.Parameter(torch.ones(len(layer.weight), dtype=torch.float32), requires_grad=False)
        set_weight_attrs(layer.weight_scale, {"output_dim": 0, "weight_loader": layer.weight.weight_loader})

    def process_weights_after_loading(self, layer: Any) -> None:
        """Dequantise, then let vLLM lay the weight out for the device."""
        if layer.weight.dtype == torch.float32:
            layer.weight.data.mul_(layer.weight_scale.data[:, None])
        logger.info_once(
            "BitNet: ternary weights are dequantised once to %s; no kernel for packed ones here", layer.weight.dtype
        )
        super().process_weights_after_loading(layer)

    def apply(self, layer: Any, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """(rows, in) to (rows, out)."""
        steps = 127 / _largest(layer, x).clamp_(min=SMALLEST)
        codes = (x.float() * steps).round_().clamp_(-128, 127)
        product: Tensor
        if x.dtype == torch.float32:
            product = super().apply(layer, codes.div_(steps), bias)
            return product
        product = super().apply(layer, codes.to(x.dtype), None).float()
        product = product.mul_(layer.weight_scale).div_(steps).to(x.dtype)
        return product if bias is None else product + bias


def _largest(layer: Any, x: Tensor) -> Tensor:
    """Largest magnitude of each token, over the shards of all ranks."""
    largest = x.float().abs().amax(-1, keepdim=True)
    if isinstance(layer, RowParallelLinear) and layer.tp_size > 1:
        largest = tensor_model_parallel_all_gather(largest).amax(-1, keepdim=True)
    return largest
