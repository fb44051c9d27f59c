import weakref
from collections.abc import Sequence
from typing import overload

import pytest
import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE
from r3mes_ray.training.coordinatewise import reduce_module
from r3mes_ray.training.effects import Part, effects_of
from r3mes_ray.training.outer import OuterStep

SIDE, RANK, UPDATES = 48, 64, 40
GROUP = 512 // RANK
"""Parts after which a group of so small a layer is full, but for those that are none."""


def part(seed: int) -> Part | None:
    """Every fifth a DoRA, every seventh none."""
    generator = torch.Generator().manual_seed(seed)
    b, a = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((SIDE, RANK), (RANK, SIDE)))
    magnitude = torch.rand(SIDE, generator=generator, dtype=torch.float64) + 0.5
    return None if seed % 7 == 6 else Part(b, a, magnitude if seed % 5 == 4 else None)


class Read(Sequence[Part | None]):
    """Parts that are made when they are asked for; it counts how many are in memory at most, and how many were made."""

    def __init__(self) -> None:
        self.made, self.most, self._alive = 0, 0, weakref.WeakSet[Tensor]()

    def __len__(self) -> int:
        return UPDATES

    @overload
    def __getitem__(self, index: int) -> Part | None: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Part | None]: ...

    def __getitem__(self, index: int | slice) -> Part | Sequence[Part | None] | None:
        if isinstance(index, slice):
            return [self[place] for place in range(UPDATES)[index]]
        if index >= UPDATES:
            raise IndexError(index)
        found = part(index)
        self.made += 1
        if found is not None:
            self._alive.add(found.b)
        self.most = max(self.most, len(self._alive))
        return found


@pytest.fixture
def weight() -> Tensor:
    return torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(99))


def median(rows: Tensor) -> Tensor:
    return rows.median(dim=0).values


def test_reduce_module_reads_each_part_once_and_holds_two_groups_at_most(weight: Tensor):
    parts = Read()
    reduce_module(weight, parts, [None], median, outer=OuterStep(1.0, ()), rank=4)
    assert parts.made == UPDATES
    assert parts.most <= 2 * GROUP + 1


def test_reduce_module_in_groups_has_the_bits_of_all_parts_together(weight: Tensor):
    parts, versions = [part(seed) for seed in range(UPDATES)], [part(100), part(101)]
    outer = OuterStep(0.5, (0.25,))
    found = reduce_module(weight, parts, versions, median, outer=outer, rank=4)
    effects = effects_of(weight, [*parts, *versions])
    steps = [
        (gains - 1.0)[:, None] * weight.double()
        + (
            REPRODUCIBLE.product(effects.c[:, span].contiguous(), effects.a[span].T.contiguous())
            if span.stop > span.start
            else 0.0
        )
        for gains, span in zip(effects.gains, effects.spans, strict=True)
    ]
    first, before = steps[UPDATES:]
    moved = median(torch.stack([(step - first).reshape(-1) for step in steps[:UPDATES]])).reshape(SIDE, SIDE)
    cut = REPRODUCIBLE.truncate(first + 0.5 * moved + 0.25 * (before - first), None, 4)
    assert torch.equal(found.b, cut.b.float())
    assert torch.equal(found.a, cut.a.float())
