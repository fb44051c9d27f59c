import weakref
from collections.abc import Callable, Sequence
from typing import overload

import pytest
import torch
from torch import Tensor

from r3mes_ray.training import coordinatewise
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


def half_ternary_part(seed: int) -> Part | None:
    """As `part`, but half of C's rows are of {−s, s}: some rows of it are ternary alone, and all together are not."""
    found = part(seed)
    if found is None:
        return None
    found.b[: SIDE // 2] = found.b[: SIDE // 2].sign() * 0.3
    # Balancing scales no column of B where the rows of A reach from 1 to 2.
    return Part(found.b, found.a * (1.5 / found.a.abs().amax(dim=1, keepdim=True)), found.magnitude)


@pytest.mark.parametrize("made", [part, half_ternary_part])
@pytest.mark.parametrize(("entries", "kept"), [(10 * 17**2, 2**21), (10 * 700, 0), (10 * 30, 2**15)])
def test_reduce_module_has_the_same_bits_by_any_tiles_and_with_any_factors_in_a_file(
    made: Callable[[int], Part | None], entries: int, kept: int, weight: Tensor, monkeypatch: pytest.MonkeyPatch
):
    parts, versions, outer = [made(seed) for seed in range(8)], [made(100), made(101)], OuterStep(0.5, (0.25,))
    whole = reduce_module(weight, parts, versions, median, outer=outer, rank=4)
    monkeypatch.setattr(coordinatewise, "TILE_ENTRIES", entries)
    monkeypatch.setattr(coordinatewise, "KEPT_ENTRIES", kept)
    found = reduce_module(weight, parts, versions, median, outer=outer, rank=4)
    assert torch.equal(found.b, whole.b)
    assert torch.equal(found.a, whole.a)
    assert (found.kept_energy, found.total_energy) == (whole.kept_energy, whole.total_energy)


@pytest.mark.parametrize(
    ("shape", "entries", "sides"),
    [((10, 10), 16, (4, 4)), ((2, 100), 16, (2, 8)), ((100, 3), 16, (5, 3)), ((4, 4), 99, (4, 4)), ((3, 3), 1, (1, 1))],
)
def test_tiles_are_about_square_and_meet_every_entry_once(shape: tuple[int, int], entries: int, sides: tuple[int, int]):
    met = torch.zeros(shape)
    tiles = list(coordinatewise._tiles(shape, entries))
    for tile in tiles:
        met[tile] += 1
    assert torch.equal(met, torch.ones(shape))
    assert met[tiles[0]].shape == sides
