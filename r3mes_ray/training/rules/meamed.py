"""Mean around the median. Source: Xie, Koyejo, Gupta, "Generalized Byzantine-tolerant SGD" (2018)."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from r3mes_ray.training.rules.ordering import Rows, reduce_sorted


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def mean_around_median(rows: Tensor, faults: int) -> Tensor:
    """The mean of the n − f values nearest to the median, in each column of (n, d); of equal ones, the lower."""
    n = rows.shape[0]

    def nearest(ordered: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        middle = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
        # The nearest values are n − f neighbours in the order: drop the farther end, f times.
        low = np.zeros(middle.shape, np.int16)
        for dropped in range(faults):
            first = _at(ordered, low, 0, dropped)
            last = _at(ordered, low, n - 1 - dropped, dropped)
            low += middle - first > last - middle
        window = (np.where((low <= i) & (i < low + n - faults), row, 0) for i, row in enumerate(ordered))
        return np.asarray(reduce(np.add, window) / (n - faults))

    return reduce_sorted(rows, 0, n, nearest)


def _at(rows: Rows, offset: NDArray[np.int16], start: int, most: int) -> NDArray[np.float32] | NDArray[np.float64]:
    """The entries of the rows start + offset, column by column; no offset is above `most`."""
    found = rows[start]
    for index in range(1, most + 1):
        found = np.where(offset >= index, rows[start + index], found)
    return found
