"""The sorting network as one loop that numba compiles: a block of columns stays in the first cache from end to end.

Same bits as with numpy: minima, maxima, sums in ascending order and one division, none of which is contracted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.float64]
Kernel = Callable[[Array, int, NDArray[np.uint64], tuple[int, int], np.floating, Array], None]
LEAST = 2**21
"""Numbers below which numpy is done before the kernel is loaded: 0.6 s in a process, and 1 s of compilation once."""
BLOCK = 128
"""Columns at a time, measured: 32 rows of them take 16 KiB."""


@lru_cache(maxsize=1)
def sorting_kernel() -> Kernel | None:
    """The compiled kernel, from numba's cache if it is there; None where numba is not installed."""
    try:
        from numba import njit
    except ImportError:
        return None
    try:
        found: Kernel = njit(nogil=True, cache=True)(sort_columns)
    except RuntimeError:
        # No folder is writable for numba's cache.
        found = njit(nogil=True)(sort_columns)
    return found


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
