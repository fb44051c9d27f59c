"""BitNet b1.58 for vLLM: Llama with a norm before each output projection, squared ReLU, and ternary weights.

Source: "BitNet b1.58 2B4T Technical Report", and `BitNetForCausalLM` of transformers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from vllm.config import VllmConfig
from vllm.distributed import tensor_model_parallel_all_reduce
from vllm.model_executor.layers.layernorm import RMSNorm
from vllm.model_executor.layers.linear import MergedColumnParallelLinear, RowParallelLinear
from vllm.model_executor.models import llama
from vllm.model_executor.utils import set_weight_attrs

from r3mes_ray.models.checkpoint import ternary_weight
from r3mes_ray.vllm_plugin.bitnet_quantization import BitNetQuantization, check_dtype

WEIGHTS = "unpacked"
"""How ternary weights are kept while the model runs."""

_WEIGHT, _SCALE = ".weight", ".weight_scale"


class SubNorm(nn.Module):
    """RMS norm over a dimension that is sharded over the ranks: the squares are summed over all of them."""

    def __init__(self, layer: RowParallelLinear, eps: float) -> None:
        """The norm of what goes into `layer`."""
        super().__init__()
        self._size, self._eps, self._shards, self._shard = layer.input_size, eps, layer.tp_size, layer.tp_rank
        self.weight = nn.Parameter(torch.ones(layer.input_size_per_partition), requires_grad=False)
        set_weight_attrs(self.weight, {"weight_loader": self._load})

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) to the same."""
        full = x.float()
        squares = full.square().sum(-1, keepdim=True)
        if self._shards > 1:
            squares = tensor_model_parallel_all_reduce(squares)
        return self.weight * (full * torch.rsqrt(squares / self._size + self._eps)).to(x.dtype)

    def _load(self, parameter: nn.Parameter, whole: Tensor) -> None:
        width = len(parameter)
        parameter.data.copy_(whole.narrow(0, self._shard * width, width))


class BitNetAttention(llama.LlamaAttention):
    """Attention with a norm before its output projection."""

    def __init__(self, *, config: Any, **parts: Any) -> None:
        super().__init__(config=config, **parts)
        self.attn_sub_norm = SubNorm(self.o_proj, config.rms_norm_eps)

    def forward(self, positions: Tensor, hidden_states: Tensor) -> Tensor:
        """(rows, hidden) to the same."""
        qkv, _ = self.qkv_proj(hidden_states)
        q, k, v = qkv.split([self.q_size, self.kv_size, self.kv_size], dim=-1)
        q, k = self.rotary_emb(positions, q, k)
        output: Tensor
        output, _ = self.o_proj(self.attn_sub_norm(self.attn(q, k, v)))
        return output


class BitNetMLP(nn.Module):
    """Squared ReLU of the gate times the up projection, a norm, and the down projection."""

    def __init__(self, config: Any, quant_config: BitNetQuantization, prefix: str) -> None:
        super().__init__()
        sizes = [config.intermediate_size] * 2
        self.gate_up_proj = MergedColumnParallelLinear(
            config.hidden_size, sizes, bias=False, quant_config=quant_config, prefix=f"{prefix}.gate_up_proj"
        )
        self.down_proj = RowParallelLinear(
            config.intermediate_size,
            config.hidden_size,
            bias=False,
            quant_config=quant_config,
            prefix=f"{prefix}.down_proj",
        )
        self.ffn_sub_norm = SubNorm(self.down_proj, config.rms_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, hidden) to the same."""
        gate_up, _ = self.gate_up_proj(x)
        gate, up = gate_up.chunk(2, dim=-1)
        output: Tensor
        output, _ = self.down_proj(self.ffn_sub_norm(torch.relu(gate).square() * up))
        return output


class BitNetDecoderLayer(nn.Module):
    """One layer, with vLLM's fused residual norms."""

    def __init__(self, vllm_config: VllmConfig, prefix: str = "") -> None:
        super().__init__()
        config, quant_config = vllm_config.model_config.hf_config, vllm_config.quant_config
        self.self_attn = BitNetAttention(
            config=config,
            hidden_size=config.hidden_size,
            num_heads=config.num_attention_heads,
            num_kv_heads=config.num_key_value_heads,
            max_position_embeddings=config.max_position_embeddings,
            quant_config=quant_config,
            bias=config.attention_bias,
            bias_o_proj=config.attention_bias,
            cache_config=vllm_config.cache_config,
            prefix=f"{prefix}.self_attn",
        )
        self.mlp = BitNetMLP(config, quant_config, f"{prefix}.mlp")
        self.input_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(self, positions: Tensor, hidden_states: Tensor, residual: Tensor | None) -> tuple[Tensor, Tensor]:
        """(rows, hidden) and the residual to the same."""
        if residual is None:
            residual, hidden_states = hidden_states, self.input_layernorm(hidden_states)
        else:
            hidden_states, residual = self.input_layernorm(hidden_states, residual)
        hidden_states = self.self_attn(positions, hidden_states)
        hidden_states, residual = self.post_attention_layernorm(hidden_states, residual)
        return self.mlp(hidden_states), residual


class BitNetForCausalLM(llama.LlamaForCausalLM):
    """The model; its linear layers take adapters, its embeddings do not.

    Attributes:
        ternary_weights: how they are kept while the model runs.
    """

    embedding_modules: dict[str, str] = {}  # noqa: RUF012 (vLLM's name and type)
    ternary_weights = WEIGHTS

    def __init__(self, *, vllm_config: VllmConfig, prefix: str = "") -> None:
        check_dtype(vllm_config.model_config.dtype)
        if vllm_config.quant_config is None:
            vllm_config.quant_config = BitNetQuantization({})
        super().__init__(vllm_config=vllm_config, prefix=prefix, layer_type=BitNetDecoderLayer)
        # Not from `self.quant_config`: vLLM sets it before this, to none where the folder names no scheme.
        self._scheme = vllm_config.quant_config.scheme
        self._dtype = vllm_config.model_config.dtype

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> set[str]:
        """Load a checkpoint of any layout that transformers has: packed, or latent and rounded now."""
        loaded: set[str] = super().load_weights(self._codes(weights))
        return loaded

    def _codes(self, weights: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
        """Codes and row scales of each ternary layer, whole; everything else as it is."""
        waiting: dict[str, Tensor] = {}
        for name, tensor in weights:
            linear = name.removesuffix(_SCALE).removesuffix(_WEIGHT)
            if name == "lm_head.weight" and self.config.tie_word_embeddings:
                continue
            if not linear.endswith("_proj") or name.endswith(".bias"):
                yield name, tensor
                continue
            waiting[name] = tensor
            packed = waiting.get(f"{linear}{_WEIGHT}")
            if packed is None or (packed.dtype == torch.uint8 and f"{linear}{_SCALE}" not in waiting):
                continue
            found = ternary_weight(linear, waiting, self._scheme, self.config)
            yield f"{linear}{_WEIGHT}", found.codes.to(self._dtype)
            yield f"{linear}{_SCALE}", torch.full((len(found.codes),), found.scale)
            waiting = {key: value for key, value in waiting.items() if not key.startswith(linear)}
