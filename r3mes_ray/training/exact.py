"""Exact weighted mean of LoRA, DoRA and mixed updates, in the space of weights.

An adapter module means W′ = g ⊙ (W₀ + BA), with the scale folded into B; a LoRA has g = 1, a DoRA has
g = m / ‖W₀ + BA‖ per output row. With ḡ = Σ cᵢgᵢ the mean of the W′ᵢ is ḡ ⊙ W₀ + Σ cᵢ (gᵢ ⊙ Bᵢ) Aᵢ. The second term is
truncated to the target rank as B̄Ā; published are B = B̄ / ḡ, A = Ā and m = ḡ ⊙ ‖W₀ + BA‖. Only row norms need the base.
Every reduction is the algebra's; what is written here is elementwise and in the order of the updates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from r3mes_ray.errors import InvalidAggregate
from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Part, effects_of, groups_of, has_magnitude, row_norms, scaled
from r3mes_ray.training.exact_sum import ExactSum

COEFFICIENT_TOLERANCE = 1e-9
"""How far the coefficients' sum may be from 1."""


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

    def cpu(self) -> ModuleMean:
        """The same on the host."""
        magnitude = None if self.magnitude is None else self.magnitude.cpu()
        return replace(self, b=self.b.cpu(), a=self.a.cpu(), magnitude=magnitude)


def mean_of_module(
    weight: Tensor,
    parts: Sequence[Part | None],
    coefficients: Sequence[float],
    *,
    rank: int,
    with_magnitude: bool,
    algebra: Algebra = REPRODUCIBLE,
) -> ModuleMean:
    """Average one module over the round's adapters, in their order, a group of them in memory at a time.

    Args:
        weight: effective base weight W₀, (o, k), any float dtype.
        parts: None where an adapter leaves the module as in the base; each is read once.
        coefficients: of each part; they sum to 1. Where a rule needs it, the start version is one more part.
        rank: rank of the result.
        with_magnitude: whether the result carries a magnitude; needed when any adapter of the round is a DoRA.
        algebra: how sums and truncation are computed.

    Raises:
        ValueError: the coefficients do not sum to 1, or a DoRA part meets `with_magnitude=False`.
        InvalidAggregate: the mean gain of a row is not positive and finite.
    """
    if len(parts) != len(coefficients) or abs(sum(coefficients) - 1.0) > COEFFICIENT_TOLERANCE:
        raise ValueError(f"{len(coefficients)} coefficients of {len(parts)} parts sum to {sum(coefficients)!r}, not 1")
    mean_gain = torch.zeros(weight.shape[0], dtype=torch.float64, device=weight.device)
    total, energy = ExactSum(weight.shape[0], weight.shape[1], algebra), None
    for places, group in groups_of(parts, weight.shape):
        if not with_magnitude and has_magnitude(group):
            raise ValueError("a DoRA update cannot be averaged into a LoRA")
        effects = effects_of(weight, group, algebra, energy=energy)
        energy = effects.base_energy if has_magnitude(group) else energy
        shares = torch.tensor([coefficients[place] for place in places], dtype=torch.float64, device=weight.device)
        for share, gains in zip(shares, effects.gains, strict=True):
            mean_gain = mean_gain + share * gains
        total.add(scaled(effects.c, shares[:, None], effects.spans), effects.a)
    if not bool(((mean_gain > 0) & mean_gain.isfinite()).all()):
        raise InvalidAggregate("the mean gain of a row is not positive and finite")
    cut = total.truncate(rank)
    if not with_magnitude:
        return ModuleMean(cut.b.float(), cut.a.float(), None, cut.kept_energy, cut.total_energy)
    b, a = (cut.b / mean_gain[:, None]).float(), cut.a.float()
    norms = row_norms(weight, Part(b.double(), a.double()), algebra, energy)
    # A row of zeros is one with any magnitude; packages have positive ones.
    magnitude = mean_gain * torch.where(norms > 0, norms, 1.0)
    return ModuleMean(b, a, magnitude.float(), cut.kept_energy, cut.total_energy)
