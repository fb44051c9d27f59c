"""The CPU's registered operation: it keeps a step's adapters opaque to torch.compile.

It changes `y` in place and reads nothing but static buffers and the step's plan. The GPU's is in `row_operations`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from vllm.forward_context import get_forward_context

LAYER_KEY = ".r3mes_adapters"
"""Ending of the name under which a layer stands in vLLM's forward context."""


@torch.library.custom_op("r3mes::apply_adapters", mutates_args=("y",))
def apply_adapters(y: Tensor, x: Tensor, layer_key: str) -> None:
    """Apply the running step's adapters of one layer on a CPU: y (rows, out), without bias, x (rows, in)."""
    get_forward_context().no_compile_layers[layer_key].apply_adapters(y, x)


@apply_adapters.register_fake
def _(y: Tensor, x: Tensor, layer_key: str) -> None:
    return None
