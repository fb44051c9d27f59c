"""Inner products of updates in the space of weights, at the cost of their factors.

With W′ = g ⊙ (W₀ + BA), an adapter's step from the base is X = e ⊙ W₀ + CA, e = g − 1, C = g ⊙ B, and
⟨Xᵢ, Xⱼ⟩ = Σ eᵢeⱼ‖W₀‖² + Σ eᵢ⟨W₀, CⱼAⱼ⟩ + Σ eⱼ⟨W₀, CᵢAᵢ⟩ + Σ (CᵢᵀCⱼ) ∘ (AᵢAⱼᵀ), the first three sums over rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Effects, Part, effects_of
from r3mes_ray.training.layers import IN_PROCESS, LayerJob, LayerWork
from r3mes_ray.training.stored import Adapter, BaseWeights


def gram_of_steps(
    base: BaseWeights,
    updates: Sequence[Adapter],
    start: Adapter | None,
    algebra: Algebra = REPRODUCIBLE,
    work: LayerWork = IN_PROCESS,
) -> Tensor:
    """⟨xᵢ − x₀, xⱼ − x₀⟩ over all layers, (N, N) float64; `start` None means that x₀ is the base."""
    adapters = [*updates, *([] if start is None else [start])]
    total = torch.zeros(len(adapters), len(adapters), dtype=torch.float64)
    for _, layer in work.each(_gram, base, adapters, name="compare", algebra=algebra):
        total += layer
    if start is None:
        return total
    to_start = total[:-1, -1]
    return total[:-1, :-1] - to_start[:, None] - to_start[None, :] + total[-1, -1]


def _gram(job: LayerJob) -> Tensor:
    return gram_of_layer(*job.load(), job.algebra).cpu()


def gram_of_layer(weight: Tensor, parts: Sequence[Part | None], algebra: Algebra = REPRODUCIBLE) -> Tensor:
    """⟨Xᵢ, Xⱼ⟩ of one layer's steps from the base, (N, N) float64; None is no step."""
    effects = effects_of(weight, parts, algebra)
    shift = effects.gains - 1.0
    mixed = algebra.product(shift, effects.crosses)
    gram = algebra.product(shift * effects.base_energy, shift) + mixed + mixed.T
    if effects.a.shape[0]:
        columns = effects.c.T.contiguous()
        products = algebra.product(effects.a, effects.a) * algebra.product(columns, columns)
        members = _membership(effects)
        gram = gram + algebra.product(members, algebra.product(members, products))
    return (gram + gram.T) * 0.5


def _membership(effects: Effects) -> Tensor:
    """(N, R) ones where a column belongs to an adapter."""
    members = effects.a.new_zeros(len(effects.spans), effects.a.shape[0])
    for index, span in enumerate(effects.spans):
        members[index, span] = 1.0
    return members
