"""Mean around the median. Source: Xie, Koyejo, Gupta, "Generalized Byzantine-tolerant SGD" (2018)."""

from __future__ import annotations

from functools import reduce

import numpy as np
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
        low, high = np.zeros(middle.shape, np.int64), np.full(middle.shape, n - 1)
        table = np.stack(ordered)
        for _ in range(faults):
            first = np.take_along_axis(table, low[None], 0)[0]
            last = np.take_along_axis(table, high[None], 0)[0]
            drop_low = middle - first > last - middle
            low, high = low + drop_low, high - ~drop_low
        window = (np.take_along_axis(table, (low + offset)[None], 0)[0] for offset in range(n - faults))
        return np.asarray(reduce(np.add, window) / (n - faults))

    return reduce_sorted(rows, 0, n, nearest)
