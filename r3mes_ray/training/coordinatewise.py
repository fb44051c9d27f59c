"""Coordinate-wise rules in the space of weights: dense, tile by tile, then truncated like a mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Part, effects_of, groups_of, has_magnitude
from r3mes_ray.training.exact import ModuleMean
from r3mes_ray.training.outer import OuterStep

TILE_ENTRIES = 2**22
"""Numbers of one tile, all updates together: 32 MiB."""


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

    Memory is one dense layer, one tile, and the factors of all updates once, in float64; each part is read once.

    Args:
        weight: effective base weight W₀, (o, k), any float dtype.
        parts: None where an adapter leaves the module as in the base.
        versions: the start version's part, and those of the versions before it that `outer` counts.
        rule: (N, d) → (d,).
        outer: what the start version moves by, of what the rule says and of its steps before.
        rank: rank of the result; `kept_energy` says how much of the dense result it holds.
        algebra: how sums and truncation are computed.
    """
    moves = [*_moves(weight, parts, algebra), *_moves(weight, versions, algebra)]
    rows, columns = weight.shape
    height = max(1, TILE_ENTRIES // (columns * (len(parts) + len(versions))))
    tiles = []
    for top in range(0, rows, height):
        tile = slice(top, min(top + height, rows))
        base = weight[tile].double()
        steps = [_step(base, move, tile, algebra) for move in moves[: len(parts) + 1]]
        first = steps.pop()
        moved = rule(torch.stack([(step - first).reshape(-1) for step in steps])).reshape(base.shape)
        found = first + outer.scale * moved
        for coefficient, move in zip(outer.previous, moves[len(parts) + 1 :], strict=True):
            found += coefficient * (_step(base, move, tile, algebra) - first)
        tiles.append(found)
    dense = torch.cat(tiles)
    cut = algebra.truncate(dense, None, rank)
    return ModuleMean(cut.b.float(), cut.a.float(), None, cut.kept_energy, cut.total_energy)


@dataclass(frozen=True, slots=True)
class _Move:
    """What one adapter does to the layer: gains (o,), C (o, r) and A (r, k)."""

    gains: Tensor
    c: Tensor
    a: Tensor


def _moves(weight: Tensor, parts: Sequence[Part | None], algebra: Algebra) -> Iterator[_Move]:
    """One of each part, in their order, from a group of them at a time."""
    energy = None
    for _, group in groups_of(parts, weight.shape):
        effects = effects_of(weight, group, algebra, energy=energy)
        energy = effects.base_energy if has_magnitude(group) else energy
        for gains, span in zip(effects.gains, effects.spans, strict=True):
            yield _Move(gains, effects.c[:, span], effects.a[span])


def _step(base: Tensor, move: _Move, tile: slice, algebra: Algebra) -> Tensor:
    """(g − 1) ⊙ W₀ + C A of some rows."""
    moved = (move.gains[tile] - 1.0)[:, None] * base
    if move.a.shape[0] == 0:
        return moved
    return moved + algebra.product(move.c[tile].contiguous(), move.a.T.contiguous())
