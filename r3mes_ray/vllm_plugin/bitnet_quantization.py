"""BitNet's arithmetic as a quantisation method of vLLM: ternary weights, activations in int8 steps of each token.

No kernel for packed weights exists here: codes are unpacked once, when the model is loaded, and keep their scale beside
them. Codes and rounded activations are integers, exact in every type, and in float32 so are their sums: a product does
not depend on what else is in the batch, and is that of `models.bitnet.ternary_product`, bit for bit.
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

from r3mes_ray.errors import ConfigError
from r3mes_ray.models.bitnet import activation_codes

METHOD = "bitnet"
"""`quant_method` in config.json, as transformers writes it."""

DTYPES = (torch.float32, torch.bfloat16)

logger = init_logger(__name__)


def check_dtype(dtype: torch.dtype) -> None:
    """Refuse a type in which sums of int8 steps overflow; vLLM asks only where a model folder names its scheme.

    Raises:
        ConfigError: names the type.
    """
    if dtype not in DTYPES:
        raise ConfigError("dtype", f"a BitNet's sums overflow {dtype}; take bfloat16 or float32")


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
        """Those that hold a sum of int8 steps: in float16 it overflows from 517 columns on."""
        return list(DTYPES)

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
        """Keep one scale where all rows have it, and let vLLM lay the codes out for the device."""
        if bool((layer.weight_scale == layer.weight_scale[0]).all()):
            layer.weight_scale.data = layer.weight_scale.data[:1]
        logger.info_once(
            "BitNet: ternary weights are unpacked to %s; no kernel for packed ones here", layer.weight.dtype
        )
        super().process_weights_after_loading(layer)

    def apply(self, layer: Any, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """(rows, in) to (rows, out)."""
        integers, steps = activation_codes(x.float(), _largest(layer, x))
        product: Tensor = super().apply(layer, integers.to(x.dtype), None).float()
        product = product.mul_(layer.weight_scale / steps).to(x.dtype)
        return product if bias is None else product + bias


def _largest(layer: Any, x: Tensor) -> Tensor:
    """Largest magnitude of each token, over the shards of all ranks."""
    largest = x.float().abs().amax(-1, keepdim=True)
    if isinstance(layer, RowParallelLinear) and layer.tp_size > 1:
        largest = tensor_model_parallel_all_gather(largest).amax(-1, keepdim=True)
    return largest
