"""Inner products of updates in the space of weights, at the cost of their factors.

With W′ = g ⊙ (W₀ + BA), an adapter's step from the base is X = e ⊙ W₀ + CA, e = g − 1, C = g ⊙ B, and
⟨Xᵢ, Xⱼ⟩ = Σ eᵢeⱼ‖W₀‖² + Σ eᵢ⟨W₀, CⱼAⱼ⟩ + Σ eⱼ⟨W₀, CᵢAᵢ⟩ + Σ (CᵢᵀCⱼ) ∘ (AᵢAⱼᵀ), the first three sums over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import (
    Effects,
    Part,
    base_energy,
    effects_of,
    groups_of,
    has_magnitude,
    scaled,
    stack,
)
from r3mes_ray.types import UpdateId

KEPT_ENTRIES = 2**21
"""Numbers of stacked groups that stay in memory (16 MiB), one group at least: the others are read again."""


def part_of(gram: Tensor, ids: Sequence[UpdateId], wanted: Sequence[UpdateId]) -> Tensor:
    """The inner products of some of the updates, in their order."""
    places = [ids.index(update_id) for update_id in wanted]
    return gram[places][:, places]


def _unseen(places: range, effects: Effects) -> None:
    """Nobody wants to see them."""


def gram_of_layer(
    weight: Tensor,
    parts: Sequence[Part | None],
    algebra: Algebra = REPRODUCIBLE,
    *,
    crossed: bool | None = None,
    show: Callable[[range, Effects], None] = _unseen,
) -> Tensor:
    """⟨Xᵢ, Xⱼ⟩ of one layer's steps from the base, (N, N) float64; None is no step.

    Some groups of parts are in memory at a time, by their size alone: beyond those, each is read again for every such
    set of groups before it.

    Args:
        weight: effective base weight, (o, k).
        parts: by their places.
        algebra: how sums are computed.
        crossed: whether one of the parts is a DoRA, where that is known.
        show: is shown each group of parts once.
    """
    crossed = has_magnitude(parts) if crossed is None else crossed
    gram = torch.zeros(len(parts), len(parts), dtype=torch.float64, device=weight.device)
    groups = _within_groups(weight, parts, gram, algebra, crossed=crossed, show=show)
    start, count = 0, len(groups.first)
    while start < len(groups.places):
        kept = groups.first or [
            _stacked(weight, parts, groups, index) for index in range(len(groups.places))[start:][:count]
        ]
        _between_groups(weight, parts, groups, kept, gram, algebra)
        kept.clear()
        start += count
    if crossed:
        shift = torch.cat(groups.gains) - 1.0
        mixed = algebra.product(shift, torch.cat(groups.crosses))
        gram = algebra.product(shift * groups.energy, shift) + mixed + mixed.T + gram
    return (gram + gram.T) * 0.5


@dataclass(frozen=True, slots=True)
class _Stacked:
    """C side by side (o, R) and A above each other (R, k), of the group of adapters at `places`.

    Attributes:
        members: (N, R) ones where a column belongs to an adapter.
    """

    index: int
    places: range
    c: Tensor
    a: Tensor
    members: Tensor


@dataclass(frozen=True, slots=True)
class _Groups:
    """Where the groups of a layer's adapters are, their gains and crosses (n, o), and the base's energy (o,).

    Attributes:
        first: as many of the first groups as are kept in memory, until they are used.
    """

    places: list[range]
    gains: list[Tensor]
    crosses: list[Tensor]
    energy: Tensor
    first: list[_Stacked]


def _within_groups(
    weight: Tensor,
    parts: Sequence[Part | None],
    gram: Tensor,
    algebra: Algebra,
    *,
    crossed: bool,
    show: Callable[[range, Effects], None],
) -> _Groups:
    """Fill in the products within each group."""
    energy = base_energy(weight, algebra) if crossed else weight.new_zeros(len(weight), dtype=torch.float64)
    found, free = _Groups([], [], [], energy, []), KEPT_ENTRIES
    for index, (places, group) in enumerate(groups_of(parts, weight.shape)):
        effects = effects_of(weight, group, algebra, crossed=crossed, energy=energy)
        show(places, effects)
        found.places.append(places)
        found.gains.append(effects.gains)
        found.crosses.append(effects.crosses)
        own = _Stacked(index, places, effects.c, effects.a, _members(effects.a, effects.spans))
        gram[_block(places, places)] = _products(own, own, algebra)
        free -= own.c.numel() + own.a.numel()
        if not found.first or (free >= 0 and len(found.first) == index):
            found.first.append(own)
    return found


def _between_groups(
    weight: Tensor,
    parts: Sequence[Part | None],
    groups: _Groups,
    kept: Sequence[_Stacked],
    gram: Tensor,
    algebra: Algebra,
) -> None:
    """Fill in the products of groups that are in memory with each other and with all after them."""
    for place, left in enumerate(kept):
        for right in kept[place + 1 :]:
            _fill(gram, left, right, algebra)
    for index in range(kept[-1].index + 1, len(groups.places)):
        right = _stacked(weight, parts, groups, index)
        for left in kept:
            _fill(gram, left, right, algebra)


def _stacked(weight: Tensor, parts: Sequence[Part | None], groups: _Groups, index: int) -> _Stacked:
    """A group that is read again."""
    places, shape = groups.places[index], (weight.shape[0], weight.shape[1])
    b, a, spans = stack([parts[place] for place in places], shape, weight.device)
    return _Stacked(index, places, scaled(b, groups.gains[index], spans), a, _members(a, spans))


def _members(a: Tensor, spans: Sequence[slice]) -> Tensor:
    """Ones where a row of A (R, k) belongs to an adapter, (N, R)."""
    found = a.new_zeros(len(spans), a.shape[0])
    for index, span in enumerate(spans):
        found[index, span] = 1.0
    return found


def _fill(gram: Tensor, left: _Stacked, right: _Stacked, algebra: Algebra) -> None:
    """The products of two groups, at both places."""
    found = _products(left, right, algebra)
    gram[_block(left.places, right.places)] = found
    gram[_block(right.places, left.places)] = found.T


def _block(rows: range, columns: range) -> tuple[slice, slice]:
    return slice(rows.start, rows.stop), slice(columns.start, columns.stop)


def _products(left: _Stacked, right: _Stacked, algebra: Algebra) -> Tensor:
    """⟨CᵢAᵢ, CⱼAⱼ⟩ of each pair."""
    if not (left.a.shape[0] and right.a.shape[0]):
        return left.a.new_zeros(len(left.places), len(right.places))
    columns = left.c.T
    products = algebra.product(left.a, right.a)
    products = products * algebra.product(columns, columns if left is right else right.c.T)
    return algebra.product(left.members, algebra.product(right.members, products))
