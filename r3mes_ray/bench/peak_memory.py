"""Peak memory of a layer's inner products and mean, and of its median; by updates, each in a fresh process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import overload

import torch

from r3mes_ray.bench.report import Row, row
from r3mes_ray.training.coordinatewise import reduce_module
from r3mes_ray.training.effects import Part
from r3mes_ray.training.exact import mean_of_module
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.outer import OuterStep
from r3mes_ray.training.rules import COORDINATE_RULES

LAYER, RANK = 1024, 16
COUNTS = (8, 32, 128)


def measure_memory(say: Callable[[str], None]) -> list[Row]:
    """A row for each number of updates, beside the smallest: of inner products and mean, then of the median."""
    return [
        *_rows("inner products and mean", "peak RSS", _mean, say),
        *_rows("median", "peak RSS, median", _median, say),
    ]


def _rows(what: str, name: str, compute: Callable[[int], None], say: Callable[[str], None]) -> list[Row]:
    found: list[Row] = []
    context = multiprocessing.get_context("spawn")
    peaks: list[float] = []
    for count in COUNTS:
        say(f"peak RSS of a layer's {what}, N = {count}")
        with context.Pool(1) as pool:
            peaks.append(pool.apply(_peak, (compute, count)))
        found.append(row(f"{name}, N = {count}", [peaks[-1]], "MiB", peer="N = 8", peer_samples=[peaks[0]]))
    return found


@dataclass(frozen=True, slots=True)
class _Parts(Sequence[Part | None]):
    """Updates of one layer that are made when they are asked for, as a round reads them from disk."""

    updates: int

    def __len__(self) -> int:
        return self.updates

    @overload
    def __getitem__(self, index: int) -> Part: ...

    @overload
    def __getitem__(self, index: slice) -> list[Part]: ...

    def __getitem__(self, index: int | slice) -> Part | list[Part]:
        if isinstance(index, slice):
            return [self[place] for place in range(self.updates)[index]]
        if not 0 <= index < self.updates:
            raise IndexError(index)
        generator = torch.Generator().manual_seed(index)
        b, a = (torch.randn(shape, generator=generator) for shape in ((LAYER, RANK), (RANK, LAYER)))
        return Part(b.double(), a.double())


def _mean(count: int) -> None:
    parts, weight = _Parts(count), torch.zeros(LAYER, LAYER)
    gram_of_layer(weight, parts)
    mean_of_module(weight, parts, [1.0 / count] * count, rank=RANK, with_magnitude=False)


def _median(count: int) -> None:
    rule = partial(COORDINATE_RULES["median"], faults=0)
    reduce_module(torch.zeros(LAYER, LAYER), _Parts(count), [None], rule, outer=OuterStep(), rank=RANK)


def _peak(compute: Callable[[int], None], count: int) -> float:
    """MiB that a fresh process needs at most for one layer of 1024 x 1024."""
    compute(count)
    # The kernel's mark of this process image: `getrusage` would hand on the parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
