"""vLLM's linear layers with adapters, made exact: g ⊙ (W x + B A x) + bias, row by row of a mixed batch.

Each class of vLLM keeps what it knows of shards and fused slices; a mixin replaces how adapters are kept and applied.
On a CPU they are kept and applied by `slots`; on CUDA vLLM's own batched kernels add B A x, after `scale_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from vllm.config import get_current_vllm_config
from vllm.config.lora import LoRAConfig
from vllm.lora import layers as stock
from vllm.lora.layers.base_linear import BaseLinearLayerWithLoRA

from r3mes_ray.vllm_plugin.operation import LAYER_KEY
from r3mes_ray.vllm_plugin.row_operations import scale_rows
from r3mes_ray.vllm_plugin.slots import SlotBank

Factors = Tensor | Sequence[Tensor | None]

_REPLACED: tuple[type[BaseLinearLayerWithLoRA], ...] = (
    stock.ColumnParallelLinearWithLoRA,
    stock.MergedColumnParallelLinearWithLoRA,
    stock.QKVParallelLinearWithLoRA,
    stock.MergedQKVParallelLinearWithLoRA,
    stock.RowParallelLinearWithLoRA,
    stock.ReplicatedLinearWithLoRA,
    stock.MergedColumnParallelLinearVariableSliceWithLoRA,
)


class ExactLayer(BaseLinearLayerWithLoRA):
    """What both ways share: gains by slice, and a bias that comes after the gain."""

    device: torch.device

    def set_gains(self, index: int, gains: Sequence[Tensor | None]) -> None:
        """Make the adapter in slot `index` a DoRA.

        Args:
            index: the slot, filled before by `set_lora`.
            gains: g of each adapted matrix in full (rows of the unsharded weight), `None` where it is LoRA.
        """
        columns = [None if gain is None else gain[:, None] for gain in gains]
        mine = self.rank_slices(columns)
        self.place_gains(index, [None if gain is None else gain[:, 0] for gain in mine])

    def matrix_shape(self, index: int) -> tuple[int, int]:
        """(out, in) of one of the matrices in the layer, unsharded."""
        base = self.base_layer
        if self.n_slices == 1:
            return base.output_size, base.input_size
        if hasattr(base, "total_num_kv_heads"):
            heads = base.total_num_heads if index == 0 else base.total_num_kv_heads
            return heads * base.head_size, base.input_size
        return base.output_sizes[index], base.input_size

    def rank_slices(self, rows: Sequence[Tensor | None]) -> list[Tensor | None]:
        """This rank's rows of matrices (out, n), one of each slice."""
        if self.n_slices == 1:
            (only,) = rows
            return [only if only is None or self.tp_size == 1 else self.slice_lora_b(only)]
        if len(rows) != self.n_slices:
            _, rows = self.expand_packed_lora([None if part is None else part for part in rows], list(rows))
        return list(self.slice_lora_b(list(rows)) if self.tp_size > 1 else rows)

    def place_gains(self, index: int, gains: Sequence[Tensor | None]) -> None:
        """Store this rank's gains, by slice."""
        raise NotImplementedError

    def adapt(self, y: Tensor, x: Tensor) -> None:
        """Change y (rows, out), without bias, in place for the rows that have an adapter."""
        raise NotImplementedError

    def _apply_sync(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        # Always after the product, so that a row's bits do not depend on whether a slot holds a DoRA.
        output: Tensor = self._get_quant_method().apply(self.base_layer, x, None)
        self._adapt_any(output, x)
        return output if bias is None else output + bias

    def _apply_base_forward(self, x: Tensor) -> Tensor:
        """For layers whose own `forward` must run: its bias is taken off and put back."""
        product = self.base_layer(x)
        output: Tensor = product[0] if isinstance(product, tuple) else product
        late: Tensor | None = None if self.base_layer.skip_bias_add else self.base_layer.bias
        output = output if late is None else output - late
        self._adapt_any(output, x)
        return output if late is None else output + late

    def _adapt_any(self, output: Tensor, x: Tensor) -> None:
        """The transformers backend has one dimension more."""
        self.adapt(output.view(-1, output.shape[-1]), x.reshape(-1, x.shape[-1]))


class GroupedLayer(ExactLayer):
    """Adapters at their own rank, applied row by row: the CPU's way."""

    def create_lora_weights(self, max_loras: int, lora_config: LoRAConfig, model_config: Any = None) -> None:
        """Make the slots; vLLM's own stacks are kept without memory, for their shapes alone."""
        device, self.device = self.device, torch.device("meta")
        super().create_lora_weights(max_loras, lora_config, model_config)
        self.device = device
        self.bank = SlotBank(max_loras, self.output_slices)
        self.layer_key = f"{self.base_layer.prefix}{LAYER_KEY}"
        get_current_vllm_config().compilation_config.static_forward_context[self.layer_key] = self

    def reset_lora(self, index: int) -> None:
        """Empty a slot."""
        self.bank.clear(index)

    def set_lora(self, index: int, lora_a: Factors, lora_b: Factors) -> None:
        """Fill a slot with this rank's part of an adapter."""
        low = [lora_a] if isinstance(lora_a, Tensor) else list(lora_a)
        high = [lora_b] if isinstance(lora_b, Tensor) else list(lora_b)
        if len(high) != self.n_slices:
            low, high = self._split(low, high)
        if self.tp_size > 1:
            whole = self.n_slices == 1
            low = [self.slice_lora_a(low[0])] if whole else self.slice_lora_a(low)
            high = [self.slice_lora_b(high[0])] if whole else self.slice_lora_b(high)
        self.bank.fill(index, low, high)

    def _split(self, low: list[Any], high: list[Any]) -> tuple[list[Any], list[Any]]:
        """One adapted matrix that covers several slices of the layer."""
        expanded: tuple[list[Any], list[Any]] = self.expand_packed_lora(low, high)
        return expanded

    def place_gains(self, index: int, gains: Sequence[Tensor | None]) -> None:
        """Store this rank's gains, by slice."""
        self.bank.scale(index, gains)

    def adapt(self, y: Tensor, x: Tensor) -> None:
        """Apply the plan; as a registered operation where the model is compiled."""
        if torch.compiler.is_compiling():
            torch.ops.r3mes.apply_adapters(y, x, self.layer_key)
        else:
            self.apply_adapters(y, x)

    def apply_adapters(self, y: Tensor, x: Tensor) -> None:
        """Apply the plan of the running step."""
        plan = self.punica_wrapper.plan
        if not plan.empty:
            self.bank.apply(y, x, plan)


class StackedLayer(ExactLayer):
    """Adapters in vLLM's static stacks, gains in a static buffer of their own: the way of CUDA and its graphs."""

    def create_lora_weights(self, max_loras: int, lora_config: LoRAConfig, model_config: Any = None) -> None:
        """Allocate the stacks and the buffer of g - 1, whose last row stays zero."""
        super().create_lora_weights(max_loras, lora_config, model_config)
        shape = (max_loras + 1, sum(self.output_slices))
        self.gain_offsets = torch.zeros(shape, dtype=lora_config.lora_dtype, device=self.device)

    def reset_lora(self, index: int) -> None:
        """Empty a slot."""
        super().reset_lora(index)
        self.gain_offsets[index].zero_()

    def place_gains(self, index: int, gains: Sequence[Tensor | None]) -> None:
        """Store this rank's gains, by slice."""
        start = 0
        for width, gain in zip(self.output_slices, gains, strict=True):
            if gain is not None:
                self.gain_offsets[index, start : start + width].copy_(gain.double() - 1)
            start += width

    def adapt(self, y: Tensor, x: Tensor) -> None:
        """Scale, then let vLLM's kernels add the factors' product."""
        wrapper = self.punica_wrapper
        scale_rows(y, self.gain_offsets, wrapper._token_lora_indices[: len(y)])
        wrapper.add_lora_linear(y, x, self.lora_a_stacked, self.lora_b_stacked, 1.0, self.output_slices)


def _exact(stock_class: type[BaseLinearLayerWithLoRA], mixin: type[ExactLayer]) -> type[ExactLayer]:
    return type(f"{mixin.__name__}{stock_class.__name__}", (mixin, stock_class), {})


GROUPED_LAYERS = {stock_class: _exact(stock_class, GroupedLayer) for stock_class in _REPLACED}
"""Our class for each of vLLM's, on a CPU."""

STACKED_LAYERS = {stock_class: _exact(stock_class, StackedLayer) for stock_class in _REPLACED}
"""Our class for each of vLLM's, on CUDA."""
