"""Coordinate-wise order: the rows of a matrix, sorted within each column.

Source: Batcher, "Sorting networks and their applications" (1968), odd-even merge. A comparator is one minimum and one
maximum of two whole rows, so sorting runs at the speed of vector instructions, and has no branch that data could take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from r3mes_ray.training.rules.compiled import in_tiles, kernel_for, sort_columns

Row = NDArray[np.float32] | NDArray[np.float64]
Rows = list[Row]
Reduce = Callable[[Rows], Row]
"""From sorted rows to one row; it may overwrite them."""

COLUMNS = 16384
"""Columns of a task, measured with numpy: with fewer, two threads wait for each other's interpreter, with more, for
memory."""


@lru_cache(maxsize=64)
def network(n: int, low: int, high: int) -> tuple[tuple[int, int], ...]:
    """Comparators (i, j), i < j, after which the rows low … high − 1 are what a full sort puts there."""
    needed = set(range(low, high))
    kept = []
    for i, j in reversed(list(_odd_even_merge_sort(n))):
        if i in needed or j in needed:
            needed |= {i, j}
            kept.append((i, j))
    return tuple(reversed(kept))


def mean_of_sorted(rows: Tensor, low: int, high: int) -> Tensor:
    """The mean of the sorted rows low … high − 1 of (n, d), summed in ascending order, (d,). Finite values only."""
    kernel = kernel_for(sort_columns, rows)
    if kernel is None:
        return reduce_sorted(rows, low, high, lambda kept: reduce(np.add, kept) / (high - low))
    source, comparators = rows.contiguous().numpy(), _table(len(rows), low, high)
    out, divisor = np.empty(source.shape[1], source.dtype), source.dtype.type(high - low)

    def run(tile: slice) -> None:
        kernel(source, tile.start, comparators, (low, high), divisor, out[None, tile])

    return torch.from_numpy(_filled(out, run))


def reduce_sorted(rows: Tensor, low: int, high: int, reduce: Reduce) -> Tensor:
    """Sort each column of (n, d), and reduce the sorted rows low … high − 1 to one, (d,). Finite values only."""
    if rows.device.type != "cpu":
        ordered = torch.sort(rows, dim=0).values[low:high].cpu().numpy()
        return torch.from_numpy(np.asarray(reduce(list(ordered)))).to(rows.device)
    kernel, source = kernel_for(sort_columns, rows), rows.contiguous().numpy()
    comparators, whole = _table(len(rows), low, high), source.dtype.type(0)
    out = np.empty(source.shape[1], source.dtype)

    def run(tile: slice) -> None:
        if kernel is None:
            ordered = _sort(list(np.array(source[:, tile], order="C")), network(len(source), low, high))[low:high]
        else:
            kept = np.empty((high - low, tile.stop - tile.start), source.dtype)
            kernel(source, tile.start, comparators, (low, high), whole, kept)
            ordered = list(kept)
        out[tile] = reduce(ordered)

    return torch.from_numpy(_filled(out, run))


def _table(n: int, low: int, high: int) -> NDArray[np.uint64]:
    return np.array(network(n, low, high), np.uint64).reshape(-1, 2)


def _filled(out: Row, fill: Callable[[slice], None]) -> Row:
    """Fill `out` tile by tile; zeros are positive, as which sign a minimum of both has is the library's choice."""

    def run(tile: slice) -> None:
        fill(tile)
        out[tile] += 0

    in_tiles(len(out), COLUMNS, run)
    return out


def _sort(rows: Rows, comparators: tuple[tuple[int, int], ...]) -> Rows:
    spare = np.empty_like(rows[0])
    for i, j in comparators:
        np.minimum(rows[i], rows[j], out=spare)
        np.maximum(rows[i], rows[j], out=rows[j])
        rows[i], spare = spare, rows[i]
    return rows


def _odd_even_merge_sort(n: int) -> Iterator[tuple[int, int]]:
    size = 1
    while size < n:
        step = size
        while step >= 1:
            for start in range(step % size, n - step, 2 * step):
                for offset in range(min(step, n - start - step)):
                    i, j = start + offset, start + offset + step
                    if i // (2 * size) == j // (2 * size):
                        yield i, j
            step //= 2
        size *= 2
