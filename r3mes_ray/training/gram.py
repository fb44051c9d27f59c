"""Inner products of updates in the space of weights, at the cost of their factors.

With W′ = g ⊙ (W₀ + BA), an adapter's step from the base is X = e ⊙ W₀ + CA, e = g − 1, C = g ⊙ B, and
⟨Xᵢ, Xⱼ⟩ = Σ eᵢeⱼ‖W₀‖² + Σ eᵢ⟨W₀, CⱼAⱼ⟩ + Σ eⱼ⟨W₀, CᵢAᵢ⟩ + Σ (CᵢᵀCⱼ) ∘ (AᵢAⱼᵀ), the first three sums over rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from r3mes_ray.training.exact import Part, gain
from r3mes_ray.training.stored import BaseWeights, StoredAdapter


def gram_of_steps(base: BaseWeights, updates: Sequence[StoredAdapter], start: StoredAdapter | None) -> Tensor:
    """⟨xᵢ − x₀, xⱼ − x₀⟩ over all layers, (N, N) float64; `start` None means that x₀ is the base."""
    adapters = [*updates, *([] if start is None else [start])]
    total = torch.zeros(len(adapters), len(adapters), dtype=torch.float64)
    for path in sorted({layer.path for adapter in adapters for layer in adapter.layers}):
        parts = [adapter.part(path) for adapter in adapters]
        total += gram_of_layer(base.effective_weight(path), parts)
    if start is None:
        return total
    to_start = total[:-1, -1]
    return total[:-1, :-1] - to_start[:, None] - to_start[None, :] + total[-1, -1]


def gram_of_layer(weight: Tensor, parts: Sequence[Part | None]) -> Tensor:
    """⟨Xᵢ, Xⱼ⟩ of one layer's steps from the base, (N, N) float64; None is no step."""
    base = weight.double()
    row_energy = base.square().sum(dim=1)
    shifts: list[Tensor] = []
    crosses: list[Tensor] = []
    factors: list[tuple[Tensor, Tensor] | None] = []
    for part in parts:
        if part is None:
            shifts.append(torch.zeros_like(row_energy))
            crosses.append(torch.zeros_like(row_energy))
            factors.append(None)
            continue
        own = gain(weight, part)
        scaled = own[:, None] * part.b
        shifts.append(own - 1.0)
        crosses.append(((base @ part.a.T) * scaled).sum(dim=1))
        factors.append((scaled, part.a))
    shift, cross = torch.stack(shifts), torch.stack(crosses)
    mixed = shift @ cross.T
    gram = (shift * row_energy) @ shift.T + mixed + mixed.T
    for i, left in enumerate(factors):
        for j, right in enumerate(factors[: i + 1]):
            if left is not None and right is not None:
                product = ((left[0].T @ right[0]) * (left[1] @ right[1].T)).sum()
                gram[i, j] += product
                if i != j:
                    gram[j, i] += product
    return gram
