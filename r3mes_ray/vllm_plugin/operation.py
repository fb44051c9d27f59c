"""The two registered operations: they keep the adapters opaque to torch.compile and capturable by CUDA graphs.

Both change `y` in place and read nothing but static buffers and the step's plan.
"""

from __future__ import annotations

import torch
from torch import Tensor
from vllm.forward_context import get_forward_context

LAYER_KEY = ".r3mes_adapters"
"""Ending of the name under which a layer stands in vLLM's forward context."""


@torch.library.custom_op("r3mes::scale_rows", mutates_args=("y",))
def scale_rows(y: Tensor, gain_offsets: Tensor, slots: Tensor) -> None:
    """y[i] += (g - 1)[slots[i]] * y[i].

    Args:
        y: (rows, out).
        gain_offsets: (slots + 1, out), g - 1 by slot; the last row is zero.
        slots: (rows,) int64; -1 is the last row, the base model.
    """
    chosen = gain_offsets.index_select(0, slots.remainder(len(gain_offsets)))
    y.addcmul_(y, chosen.to(y.dtype))


@scale_rows.register_fake
def _(y: Tensor, gain_offsets: Tensor, slots: Tensor) -> None:
    return None


@torch.library.custom_op("r3mes::apply_adapters", mutates_args=("y",))
def apply_adapters(y: Tensor, x: Tensor, layer_key: str) -> None:
    """Apply the running step's adapters of one layer on a CPU: y (rows, out), without bias, x (rows, in)."""
    get_forward_context().no_compile_layers[layer_key].apply_adapters(y, x)


@apply_adapters.register_fake
def _(y: Tensor, x: Tensor, layer_key: str) -> None:
    return None
