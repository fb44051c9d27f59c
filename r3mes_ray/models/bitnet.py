"""BitNet b1.58 arithmetic: ternary weights, int8 activations, and the linear layers that use them.

Source: Ma et al., "The Era of 1-bit LLMs", and "BitNet b1.58 2B4T Technical Report": a weight is scale x {-1, 0, 1}
with the tensor's mean magnitude as scale, an activation is rounded to int8 by its token's largest magnitude.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST = 1e-5
"""Floor of a scale, so that an all-zero tensor or token divides by something."""


def ternary_codes(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round a weight to codes in {-1, 0, 1} and its scale, so that `scale * codes` is the effective weight.

    Returns:
        Codes in the shape and dtype of `weight`, and the scale, a scalar: the mean magnitude.
    """
    scale = weight.detach().abs().mean().clamp(min=SMALLEST)
    return (weight / scale).round_().clamp_(-1, 1), scale


def quantise_activation(x: Tensor) -> Tensor:
    """Round each token (last axis) to int8 steps of its largest magnitude; the result is dequantised."""
    scale = 127 / x.abs().amax(-1, keepdim=True).clamp_(min=SMALLEST)
    return (x * scale).round_().clamp_(-128, 127).div_(scale)


def round_activation(x: Tensor) -> Tensor:
    """`quantise_activation` whose gradient passes through."""
    if not x.requires_grad:
        return quantise_activation(x)
    rounded: Tensor = _RoundActivation.apply(x)  # type: ignore[no-untyped-call]
    return rounded


class BitLinear(nn.Linear):
    """A ternary layer for inference and for adapters: holds the effective weight, rounds its input.

    The gradient passes the rounding of the input as if it were not there (straight-through).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Quantise (..., in) per token and multiply: (..., out)."""
        return F.linear(round_activation(input), self.weight, self.bias)


class TrainableBitLinear(nn.Linear):
    """The layer of pre-training: a latent weight that is rounded at every forward, without bias."""

    def forward(self, input: Tensor) -> Tensor:
        """Quantise weight and input, and multiply: (..., out)."""
        output: Tensor = _TernaryMatmul.apply(input, self.weight)  # type: ignore[no-untyped-call]
        return output


class _RoundActivation(torch.autograd.Function):
    """Int8 rounding with a straight-through gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return quantise_activation(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _TernaryMatmul(torch.autograd.Function):
    """`quantise(x) @ quantise(w).T` with straight-through gradients; keeps only the rounded operands."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        codes, scale = ternary_codes(weight)
        effective, rounded = codes.mul_(scale), quantise_activation(x)
        ctx.save_for_backward(rounded, effective)
        return F.linear(rounded, effective)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        rounded, effective = ctx.saved_tensors
        flat = gradient.reshape(-1, gradient.shape[-1])
        return gradient @ effective, flat.t() @ rounded.reshape(-1, rounded.shape[-1])


def replace_linears(model: nn.Module, layer: type[nn.Linear], skip: tuple[str, ...] = ("lm_head",)) -> None:
    """Make every `nn.Linear` of `model` a `layer`, in place, keeping its tensors."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name not in skip:
            module.__class__ = layer
