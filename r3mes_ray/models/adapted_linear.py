"""The layer of a miner: a frozen ternary layer with a trainable LoRA or DoRA, exact and in one autograd step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.bitnet import BitLinear, ternary_product

MAX_GAIN = 20.0
"""Largest gain of a row, and the inverse of the smallest: rows of few entries would run away (measured: to 0.18 in 100
steps, where the others stay within 0.8 and 1.2)."""
_ZERO_SHARE = 1e-5
"""Norms below this share of the layer's largest are rounding noise around 0 (float32)."""
_SEED_SHARE = 0.01
"""Norm that a zero row is given, as a share of the layer's mean."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainableAdapter:
    """Parameters of one layer's adapter, and what its norm needs of the base: squared row norms of W, (out,)."""

    a: nn.Parameter
    b: nn.Parameter
    magnitude: nn.Parameter | None
    scale: float
    squares: Tensor

    @property
    def parameters(self) -> tuple[nn.Parameter, ...]:
        """What an optimiser updates."""
        return (self.a, self.b) if self.magnitude is None else (self.a, self.b, self.magnitude)

    @torch.no_grad()
    def bound_gains(self, weight: Tensor) -> None:
        """Bring magnitudes back that a step made negative or out of proportion; to be called after each step."""
        if self.magnitude is not None:
            norms = self.norms(weight)
            self.magnitude.clamp_(norms / MAX_GAIN, norms * MAX_GAIN)

    def freeze(self) -> ModuleAdapter:
        """The adapter as it is now."""
        magnitude = None if self.magnitude is None else self.magnitude.detach().clone()
        return ModuleAdapter(self.a.detach().clone(), self.b.detach().clone(), self.scale, magnitude)

    @torch.no_grad()
    def norms(self, weight: Tensor) -> Tensor:
        """Row norms of W + s B A by factors, without gradient (section 4.3 of the DoRA paper)."""
        cross = ((weight @ self.a.t()) * self.b).sum(1)
        own = ((self.b @ (self.a @ self.a.t())) * self.b).sum(1)
        return (self.squares + 2 * self.scale * cross + self.scale**2 * own).clamp_min(1e-12).sqrt()


def trainable(weight: Tensor, start: ModuleAdapter, *, dora: bool) -> TrainableAdapter:
    """Parameters that begin at `start`; a LoRA becomes a DoRA with the magnitudes that leave it unchanged.

    A zero row of W + s B A has no direction that a DoRA could scale: it is given a small one.
    """
    squares = weight.square().sum(1)
    a, b = (nn.Parameter(tensor.detach().to(weight).clone()) for tensor in (start.a, start.b))
    adapter = TrainableAdapter(a, b, None, start.scale, squares)
    if not dora:
        return adapter
    if start.magnitude is None:
        _give_direction(adapter, weight)
        begin = adapter.norms(weight)
    else:
        begin = start.magnitude.to(weight).clone()
    return TrainableAdapter(a, b, nn.Parameter(begin), start.scale, squares)


@torch.no_grad()
def _give_direction(adapter: TrainableAdapter, weight: Tensor) -> None:
    norms = adapter.norms(weight)
    zero = norms <= _ZERO_SHARE * norms.max()
    adapter.b[zero, 0] += _SEED_SHARE * norms.mean() / (adapter.scale * adapter.a[0].norm())


class AdaptedLinear(BitLinear):
    """A ternary layer with one trainable adapter."""

    adapter: TrainableAdapter

    def forward(self, input: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        adapter = self.adapter
        if adapter.magnitude is None:
            gains = adapter.squares.new_ones(())
        else:
            gains = adapter.magnitude / adapter.norms(self.weight)
        output: Tensor = _Adapted.apply(  # type: ignore[no-untyped-call]
            input, self.codes, self.scale, adapter.a, adapter.b, gains, adapter.scale
        )
        return output if self.bias is None else output + self.bias


class _Adapted(torch.autograd.Function):
    """y = g ⊙ (W Q(x) + s B A x), W = unit x codes, with a straight-through gradient at Q and none for W."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, codes: Tensor, unit: Tensor, a: Tensor, b: Tensor, gains: Tensor, scale: float
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        low = flat @ a.t()
        combined = ternary_product(flat, codes, unit).addmm_(low, b.t(), alpha=scale)
        ctx.scale, ctx.shape = scale, x.shape
        ctx.save_for_backward(flat, codes, unit, a, b, gains, low, combined if gains.dim() else gains)
        return (combined * gains if gains.dim() else combined).reshape(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        flat, codes, unit, a, b, gains, low, combined = ctx.saved_tensors
        upper = gradient.reshape(-1, gradient.shape[-1])
        grad_gains = (upper * combined).sum(0) if gains.dim() else None
        upper = upper * gains if gains.dim() else upper
        projected = (upper @ b).mul_(ctx.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (upper @ codes).mul_(unit).addmm_(projected, a).reshape(ctx.shape)
        return grad_x, None, None, projected.t() @ flat, (upper.t() @ low).mul_(ctx.scale), grad_gains, None


@contextmanager
def attached(base: BaseModel, adapters: Mapping[str, TrainableAdapter]) -> Iterator[None]:
    """Run the base with these adapters in its layers; afterwards the base is as before."""
    layers = {name: base.linear(name) for name in adapters}
    before = {name: layer.__class__ for name, layer in layers.items()}
    try:
        for name, layer in layers.items():
            layer.__class__ = AdaptedLinear
            layer.__dict__["adapter"] = adapters[name]
        yield
    finally:
        for name, layer in layers.items():
            layer.__class__ = before[name]
            layer.__dict__.pop("adapter", None)
