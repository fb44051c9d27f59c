"""Exact weighted mean of LoRA, DoRA and mixed updates, in the space of weights.

An adapter module means W′ = g ⊙ (W₀ + BA), with the scale folded into B; a LoRA has g = 1, a DoRA has
g = m / ‖W₀ + BA‖ per output row. With ḡ = Σ cᵢgᵢ the mean of the W′ᵢ is ḡ ⊙ W₀ + Σ cᵢ (gᵢ ⊙ Bᵢ) Aᵢ. The second term is
truncated to the target rank as B̄Ā; published are B = B̄ / ḡ, A = Ā and m = ḡ ⊙ ‖W₀ + BA‖. Only row norms need the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.models import dora
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.training.truncation import Truncation, truncate_lapack

COEFFICIENT_TOLERANCE = 1e-9
"""How far the coefficients' sum may be from 1."""


@dataclass(frozen=True, slots=True)
class Part:
    """One module of one adapter, float64: `b` (o, r) with the scale in it, `a` (r, k), `magnitude` (o,) of a DoRA."""

    b: Tensor
    a: Tensor
    magnitude: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ModuleMean:
    """The mean of one module, of scale 1: `magnitude` is None in a round of LoRAs alone.

    Attributes:
        b: (o, rank), float32.
        a: (rank, k), float32.
        magnitude: (o,), float32.
        kept_energy: squared norm of what the truncation kept of the weighted sum.
        total_energy: squared norm of the weighted sum.
    """

    b: Tensor
    a: Tensor
    magnitude: Tensor | None
    kept_energy: float
    total_energy: float


def gain(weight: Tensor, part: Part) -> Tensor:
    """The factor g of a module's rows, float64 (o,); 0 where W₀ + BA has a zero row."""
    return dora.gain(weight, ModuleAdapter(part.a, part.b, 1.0, part.magnitude))


def mean_of_module(
    weight: Tensor,
    parts: Sequence[Part | None],
    coefficients: Sequence[float],
    *,
    rank: int,
    with_magnitude: bool,
    truncate: Truncation = truncate_lapack,
) -> ModuleMean:
    """Average one module over the round's adapters, in their order.

    Args:
        weight: effective base weight W₀, (o, k), any float dtype.
        parts: None where an adapter leaves the module as in the base.
        coefficients: of each part; they sum to 1. Where a rule needs it, the start version is one more part.
        rank: rank of the result.
        with_magnitude: whether the result carries a magnitude; needed when any adapter of the round is a DoRA.
        truncate: finds the rank-r factors.

    Raises:
        ValueError: the coefficients do not sum to 1, a DoRA part meets `with_magnitude=False`, or a mean
            gain is not positive.
    """
    _check(parts, coefficients, with_magnitude=with_magnitude)
    mean_gain = torch.zeros(weight.shape[0], dtype=torch.float64)
    scaled_b: list[Tensor] = [torch.zeros(weight.shape[0], 0, dtype=torch.float64)]
    stacked_a: list[Tensor] = [torch.zeros(0, weight.shape[1], dtype=torch.float64)]
    for part, coefficient in zip(parts, coefficients, strict=True):
        if part is None:
            mean_gain += coefficient
            continue
        own_gain = gain(weight, part)
        mean_gain += coefficient * own_gain
        scaled_b.append(coefficient * own_gain[:, None] * part.b)
        stacked_a.append(part.a)
    if not bool(((mean_gain > 0) & mean_gain.isfinite()).all()):
        raise ValueError("the mean gain of a row is not positive and finite: a magnitude or a row norm is out of range")
    cut = truncate(torch.cat(scaled_b, dim=1), torch.cat(stacked_a, dim=0), rank)
    if not with_magnitude:
        return ModuleMean(cut.b.float(), cut.a.float(), None, cut.kept_energy, cut.total_energy)
    b, a = (cut.b / mean_gain[:, None]).float(), cut.a.float()
    magnitude = mean_gain * dora.row_norms(weight, a, b, 1.0)
    return ModuleMean(b, a, magnitude.float(), cut.kept_energy, cut.total_energy)


def _check(parts: Sequence[Part | None], coefficients: Sequence[float], *, with_magnitude: bool) -> None:
    if abs(sum(coefficients) - 1.0) > COEFFICIENT_TOLERANCE:
        raise ValueError(f"coefficients sum to {sum(coefficients)!r}, expected 1")
    if not with_magnitude and any(part is not None and part.magnitude is not None for part in parts):
        raise ValueError("a DoRA update cannot be averaged into a LoRA")
