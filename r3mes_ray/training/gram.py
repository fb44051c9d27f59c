"""Inner products of updates in the space of weights, at the cost of their factors.

With W′ = g ⊙ (W₀ + BA), an adapter's step from the base is X = e ⊙ W₀ + CA, e = g − 1, C = g ⊙ B, and
⟨Xᵢ, Xⱼ⟩ = Σ eᵢeⱼ‖W₀‖² + Σ eᵢ⟨W₀, CⱼAⱼ⟩ + Σ eⱼ⟨W₀, CᵢAᵢ⟩ + Σ (CᵢᵀCⱼ) ∘ (AᵢAⱼᵀ), the first three sums over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Part, base_energy, effects_of, groups_of, has_magnitude, scaled, stack
from r3mes_ray.training.layers import IN_PROCESS, LayerJob, LayerWork
from r3mes_ray.training.stored import Adapter, BaseWeights
from r3mes_ray.types import UpdateId


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


def part_of(gram: Tensor, ids: Sequence[UpdateId], wanted: Sequence[UpdateId]) -> Tensor:
    """The inner products of some of the updates, in their order."""
    places = [ids.index(update_id) for update_id in wanted]
    return gram[places][:, places]


def _gram(job: LayerJob) -> Tensor:
    return gram_of_layer(*job.load(), job.algebra).cpu()


def gram_of_layer(weight: Tensor, parts: Sequence[Part | None], algebra: Algebra = REPRODUCIBLE) -> Tensor:
    """⟨Xᵢ, Xⱼ⟩ of one layer's steps from the base, (N, N) float64; None is no step.

    Two groups of parts are in memory at a time: each is read again for every group before it.
    """
    crossed = has_magnitude(parts)
    gram = torch.zeros(len(parts), len(parts), dtype=torch.float64, device=weight.device)
    groups = _within_groups(weight, parts, gram, algebra, crossed=crossed)
    for index, left in enumerate(groups.places[:-1]):
        first = _stacked(weight, parts, left, groups.gains[index])
        for place in range(index + 1, len(groups.places)):
            other = groups.places[place]
            found = _products(first, _stacked(weight, parts, other, groups.gains[place]), algebra)
            gram[_block(left, other)] = found
            gram[_block(other, left)] = found.T
    if crossed:
        shift = torch.cat(groups.gains) - 1.0
        mixed = algebra.product(shift, torch.cat(groups.crosses))
        gram = algebra.product(shift * groups.energy, shift) + mixed + mixed.T + gram
    return (gram + gram.T) * 0.5


@dataclass(frozen=True, slots=True)
class _Groups:
    """Where the groups of a layer's adapters are, their gains and crosses (n, o), and the base's energy (o,)."""

    places: list[range]
    gains: list[Tensor]
    crosses: list[Tensor]
    energy: Tensor


def _within_groups(
    weight: Tensor, parts: Sequence[Part | None], gram: Tensor, algebra: Algebra, *, crossed: bool
) -> _Groups:
    """Fill in the products within each group, of which one is in memory at a time."""
    energy = base_energy(weight, algebra) if crossed else weight.new_zeros(len(weight), dtype=torch.float64)
    found = _Groups([], [], [], energy)
    for places, group in groups_of(parts, weight.shape):
        effects = effects_of(weight, group, algebra, crossed=crossed, energy=energy)
        found.places.append(places)
        found.gains.append(effects.gains)
        found.crosses.append(effects.crosses)
        own = _Stacked(effects.c, effects.a, effects.spans)
        gram[_block(places, places)] = _products(own, own, algebra)
    return found


@dataclass(frozen=True, slots=True)
class _Stacked:
    """C side by side and A above each other, of a group of adapters."""

    c: Tensor
    a: Tensor
    spans: tuple[slice, ...]


def _stacked(weight: Tensor, parts: Sequence[Part | None], places: range, gains: Tensor) -> _Stacked:
    b, a, spans = stack([parts[place] for place in places], (weight.shape[0], weight.shape[1]), weight.device)
    return _Stacked(scaled(b, gains, spans), a, spans)


def _block(rows: range, columns: range) -> tuple[slice, slice]:
    return slice(rows.start, rows.stop), slice(columns.start, columns.stop)


def _products(left: _Stacked, right: _Stacked, algebra: Algebra) -> Tensor:
    """⟨CᵢAᵢ, CⱼAⱼ⟩ of each pair."""
    if not (left.a.shape[0] and right.a.shape[0]):
        return left.a.new_zeros(len(left.spans), len(right.spans))
    columns = left.c.T
    products = algebra.product(left.a, right.a)
    products = products * algebra.product(columns, columns if left is right else right.c.T)
    return algebra.product(_membership(left), algebra.product(_membership(right), products))


def _membership(group: _Stacked) -> Tensor:
    """(N, R) ones where a column belongs to an adapter."""
    members = group.a.new_zeros(len(group.spans), group.a.shape[0])
    for index, span in enumerate(group.spans):
        members[index, span] = 1.0
    return members
