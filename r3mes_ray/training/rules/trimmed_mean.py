"""Coordinate-wise trimmed mean: f off each side.

Source: Yin et al., "Byzantine-robust distributed learning" (ICML 2018).
"""

from __future__ import annotations

from torch import Tensor

from r3mes_ray.training.rules.ordering import mean_of_sorted


def largest_faults(n: int) -> int:
    """2f < n."""
    return (n - 1) // 2


def trimmed_mean(rows: Tensor, faults: int) -> Tensor:
    """The mean of each column of (n, d) without its `faults` lowest and highest, summed in ascending order."""
    n = rows.shape[0]
    return mean_of_sorted(rows, faults, n - faults)
