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


def activation_codes(x: Tensor, largest: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Round each token (last axis) to integers within ±127, the steps of its largest magnitude; ties go to even.

    Args:
        x: (…, in).
        largest: (…, 1) magnitude of each token, where `x` is only a part of it.

    Returns:
        Integers in the shape and dtype of `x`, and the steps (…, 1): x is about integers / steps.
    """
    if largest is None:
        largest = x.abs().amax(-1, keepdim=True)
    steps = 127 / largest.clamp(min=SMALLEST)
    return (x * steps).round_(), steps


def quantise_activation(x: Tensor) -> Tensor:
    """Round each token (last axis) to int8 steps of its largest magnitude; the result is dequantised."""
    integers, steps = activation_codes(x)
    return integers.div_(steps)


def ternary_product(x: Tensor, codes: Tensor, scale: Tensor) -> Tensor:
    """`quantise_activation(x) @ (scale * codes).T`: (…, in) and (out, in) to (…, out).

    The sums are of integers below 2^24 (up to 132,000 inputs), so that they are exact in float32 in whatever order they
    are taken: the result does not depend on the batch, the threads or the library.
    """
    integers, steps = activation_codes(x)
    return F.linear(integers, codes).mul_(scale / steps)


class BitLinear(nn.Linear):
    """A ternary layer for inference and for adapters: rounds its input, and multiplies codes, then the scale.

    Attributes:
        codes: (out, in), -1, 0 and 1 in the dtype of the activations, frozen.
        scale: of the whole tensor, a scalar.
    """

    codes: nn.Parameter
    scale: Tensor

    def hold_codes(self) -> None:
        """Make the parameters of a layer that was an `nn.Linear`: codes in the place of the weight, and a scale."""
        self.codes = self._parameters.pop("weight")  # type: ignore[assignment]
        self.register_buffer("scale", self.codes.new_ones(()))

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """The effective weight, scale x codes, (out, in): made when it is asked for."""
        return self.codes * self.scale

    def forward(self, input: Tensor) -> Tensor:
        """(…, in) to (…, out); the gradient passes the rounding as if it were not there (straight-through)."""
        product: Tensor
        if input.requires_grad:
            product = _TernaryProduct.apply(input, self.codes, self.scale)  # type: ignore[no-untyped-call]
        else:
            product = ternary_product(input, self.codes, self.scale)
        return product if self.bias is None else product + self.bias


class TrainableBitLinear(nn.Linear):
    """The layer of pre-training: a latent weight that is rounded at every forward, without bias."""

    def forward(self, input: Tensor) -> Tensor:
        """Quantise weight and input, and multiply: (..., out)."""
        output: Tensor = _TernaryMatmul.apply(input, self.weight)  # type: ignore[no-untyped-call]
        return output


class _TernaryProduct(torch.autograd.Function):
    """`ternary_product` with a straight-through gradient, and none for the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, codes: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(codes, scale)
        return ternary_product(x, codes, scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        codes, scale = ctx.saved_tensors
        return (gradient @ codes).mul_(scale), None, None


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
