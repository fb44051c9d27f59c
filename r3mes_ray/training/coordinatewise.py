"""Coordinate-wise rules in the space of weights: dense, tile by tile, then truncated like a mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Effects, Part, effects_of
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

    Memory is one dense layer and one tile, whatever the number of updates.

    Args:
        weight: effective base weight W₀, (o, k), any float dtype.
        parts: None where an adapter leaves the module as in the base.
        versions: the start version's part, and those of the versions before it that `outer` counts.
        rule: (N, d) → (d,).
        outer: what the start version moves by, of what the rule says and of its steps before.
        rank: rank of the result; `kept_energy` says how much of the dense result it holds.
        algebra: how sums and truncation are computed.
    """
    effects = effects_of(weight, [*parts, *versions], algebra)
    rows, columns = weight.shape
    height = max(1, TILE_ENTRIES // (columns * (len(parts) + len(versions))))
    tiles = []
    for top in range(0, rows, height):
        tile = slice(top, min(top + height, rows))
        base = weight[tile].double()
        steps = [_step(base, effects, index, tile, algebra) for index in range(len(parts) + 1)]
        first = steps.pop()
        moved = rule(torch.stack([(step - first).reshape(-1) for step in steps])).reshape(base.shape)
        found = first + outer.scale * moved
        for index, coefficient in enumerate(outer.previous, len(parts) + 1):
            found += coefficient * (_step(base, effects, index, tile, algebra) - first)
        tiles.append(found)
    dense = torch.cat(tiles)
    cut = algebra.truncate(dense, None, rank)
    return ModuleMean(cut.b.float(), cut.a.float(), None, cut.kept_energy, cut.total_energy)


def _step(base: Tensor, effects: Effects, index: int, tile: slice, algebra: Algebra) -> Tensor:
    """(g − 1) ⊙ W₀ + C A of some rows."""
    span = effects.spans[index]
    moved = (effects.gains[index, tile] - 1.0)[:, None] * base
    if span.stop == span.start:
        return moved
    return moved + algebra.product(effects.c[tile, span].contiguous(), effects.a[span].T.contiguous())
