"""Coordinate-wise rules in the space of weights: dense, tile by tile, then truncated like a mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Part, effects_of, groups_of, has_magnitude
from r3mes_ray.training.exact import ModuleMean
from r3mes_ray.training.gram import KEPT_ENTRIES
from r3mes_ray.training.outer import OuterStep
from r3mes_ray.training.reproducible import uneven_row
from r3mes_ray.training.spill import Spill, Spilled

TILE_ENTRIES = 2**22
"""Numbers of one tile, all updates together: 32 MiB."""

Tile = tuple[slice, slice]
"""Rows and columns of a layer."""


def reduce_module(
    weight: Tensor,
    parts: Sequence[Part | None],
    versions: Sequence[Part | None],
    rule: Callable[[Tensor], Tensor],
    *,
    outer: OuterStep,
    rank: int,
    algebra: Algebra = REPRODUCIBLE,
) -> ModuleMean:
    """Apply a rule to each weight's steps from the start version; the result is a LoRA, whatever the updates are.

    Memory is one dense layer, one tile, and `KEPT_ENTRIES` numbers of the updates' factors; the others lie in a
    temporary file. Each part is read once, and tiles have no part in the bits.

    Args:
        weight: effective base weight W₀, (o, k), any float dtype.
        parts: None where an adapter leaves the module as in the base.
        versions: the start version's part, and those of the versions before it that `outer` counts.
        rule: (N, d) → (d,).
        outer: what the start version moves by, of what the rule says and of its steps before.
        rank: rank of the result; `kept_energy` says how much of the dense result it holds.
        algebra: how sums and truncation are computed.

    Raises:
        SpillFailed: the temporary folder does not take the factors.
    """
    with Spill(KEPT_ENTRIES) as spill:
        moves = [*_moves(weight, parts, algebra, spill), *_moves(weight, versions, algebra, spill)]
        dense = _reduced(weight, moves[: len(parts)], moves[len(parts) :], rule, outer, algebra)
    cut = algebra.truncate(dense, None, rank)
    return ModuleMean(cut.b.float(), cut.a.float(), None, cut.kept_energy, cut.total_energy)


def _reduced(
    weight: Tensor,
    updates: Sequence[_Move],
    versions: Sequence[_Move],
    rule: Callable[[Tensor], Tensor],
    outer: OuterStep,
    algebra: Algebra,
) -> Tensor:
    """The dense step from the base, (o, k) float64."""
    dense = torch.empty(weight.shape, dtype=torch.float64, device=weight.device)
    entries = min(dense.numel(), max(1, TILE_ENTRIES // (len(updates) + len(versions))))
    room = dense.new_empty(len(updates) * entries)
    for tile in _tiles(dense.shape, entries):
        base = weight[tile].double()
        first = _step(base, versions[0], tile, algebra)
        steps = room[: len(updates) * base.numel()].view(len(updates), -1)
        for row, move in zip(steps, updates, strict=True):
            torch.sub(_step(base, move, tile, algebra), first, out=row.view(base.shape))
        found = first + outer.scale * rule(steps).reshape(base.shape)
        for coefficient, move in zip(outer.previous, versions[1:], strict=True):
            found += coefficient * (_step(base, move, tile, algebra) - first)
        dense[tile] = found
    return dense


def _tiles(shape: tuple[int, ...], entries: int) -> Iterator[Tile]:
    """Tiles of so many entries at most, about square: what is read and split of factors is its sides."""
    rows, columns = shape
    width = min(columns, entries // min(rows, math.isqrt(entries)))
    height = min(rows, entries // width)
    for top in range(0, rows, height):
        for left in range(0, columns, width):
            yield slice(top, top + height), slice(left, left + width)


@dataclass(frozen=True, slots=True)
class _Move:
    """What one adapter does to the layer.

    Attributes:
        gains: (o, 1).
        c: C, (o, r).
        a: Aᵀ, (k, r), so that a tile's columns lie together.
        uneven: what makes some rows of C computed as all of them are.
    """

    gains: Tensor | Spilled
    c: Tensor | Spilled
    a: Tensor | Spilled
    uneven: Tensor


def _moves(weight: Tensor, parts: Sequence[Part | None], algebra: Algebra, spill: Spill) -> Iterator[_Move]:
    """One of each part, in their order, from a group of them at a time."""
    energy = None
    for _, group in groups_of(parts, weight.shape):
        effects = effects_of(weight, group, algebra, energy=energy)
        energy = effects.base_energy if has_magnitude(group) else energy
        for gains, span in zip(effects.gains, effects.spans, strict=True):
            c, a = effects.c[:, span].contiguous(), effects.a[span].T.contiguous()
            yield _Move(spill.keep(gains[:, None]), spill.keep(c), spill.keep(a), uneven_row(c))


def _step(base: Tensor, move: _Move, tile: Tile, algebra: Algebra) -> Tensor:
    """(g − 1) ⊙ W₀ + C A of a tile."""
    rows, columns = tile
    moved = (move.gains[rows] - 1.0) * base
    if move.a.shape[1] == 0:
        return moved
    product = algebra.product(torch.cat([move.uneven, move.c[rows]]), move.a[columns])
    return moved.add_(product[len(move.uneven) :])
