"""Loops over columns that numba compiles: the sorting network, and weighted sums of rows.

A block of columns stays in a cache from end to end. The network has the same bits as with numpy: minima, maxima, sums
in ascending order and one division, none of which is contracted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32] | NDArray[np.float64]
Kernel = Callable[..., None]
LEAST = 2**21
"""Numbers below which numpy is done before the kernel is loaded: 0.6 s in a process, and 1 s of compilation once."""
BLOCK = 128
"""Columns at a time, measured: 32 rows of them take 16 KiB."""


SUMMED = 16384
"""Columns of a weighted sum at a time, measured: 64 KiB."""


def kernel_for(function: Kernel, rows: Tensor) -> Kernel | None:
    """A function of this module, compiled, where it takes these rows and they are many enough; else None."""
    taken = rows.device.type == "cpu" and rows.dtype in (torch.float32, torch.float64) and rows.numel() >= LEAST
    return compiled(function) if taken else None


@lru_cache(maxsize=8)
def compiled(function: Kernel) -> Kernel | None:
    """The compiled function, from numba's cache if it is there; None where numba is not installed."""
    try:
        from numba import njit
    except ImportError:
        return None
    try:
        found: Kernel = njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # No folder is writable for numba's cache.
        found = njit(nogil=True)(function)
    return found


def in_tiles(columns: int, width: int, run: Callable[[slice], Any]) -> None:
    """Call it for tiles of so many columns, in as many threads as torch has."""
    tiles = [slice(start, min(start + width, columns)) for start in range(0, columns, width)]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for _ in pool.map(run, tiles):
            pass


def add_rows(source: Array, start: int, stop: int, coefficients: Array, out: Array) -> None:
    """Write Σ cᵢ xᵢ of the columns from `start` to `stop` into `out` (columns,), four rows at a time."""
    rows = source.shape[0]
    for left in range(start, stop, SUMMED):
        right = min(left + SUMMED, stop)
        total = out[left:right]
        for column in range(right - left):
            total[column] = 0
        for row in range(0, rows - 3, 4):
            a, b, c, d = coefficients[row : row + 4]
            w, x, y, z = (
                source[row, left:right],
                source[row + 1, left:right],
                source[row + 2, left:right],
                source[row + 3, left:right],
            )
            for column in range(right - left):
                total[column] = total[column] + a * w[column] + b * x[column] + c * y[column] + d * z[column]
        for row in range(rows - rows % 4, rows):
            a, w = coefficients[row], source[row, left:right]
            for column in range(right - left):
                total[column] += a * w[column]


def sort_columns(
    source: Array,
    start: int,
    comparators: NDArray[np.uint64],
    wanted: tuple[int, int],
    divisor: np.floating,
    out: Array,
) -> None:
    """Sort columns from `start` on, and write the wanted sorted rows into `out` (rows, columns).

    A divisor that is not 0 asks for one row: their sum in ascending order divided by it, in the type of `source`.
    """
    low, high = wanted
    width = out.shape[1]
    scratch = np.empty((source.shape[0], BLOCK), source.dtype)
    for left in range(0, width, BLOCK):
        count = min(BLOCK, width - left)
        for row in range(source.shape[0]):
            for column in range(count):
                scratch[row, column] = source[row, start + left + column]
        for place in range(comparators.shape[0]):
            first, second = scratch[comparators[place, 0]], scratch[comparators[place, 1]]
            for column in range(BLOCK):
                one, two = first[column], second[column]
                first[column] = one if one < two else two
                second[column] = two if one < two else one
        if divisor != 0:
            for row in range(low + 1, high):
                for column in range(BLOCK):
                    scratch[low, column] += scratch[row, column]
            for column in range(BLOCK):
                scratch[low, column] /= divisor
        for row in range(out.shape[0]):
            for column in range(count):
                out[row, left + column] = scratch[low + row, column]
