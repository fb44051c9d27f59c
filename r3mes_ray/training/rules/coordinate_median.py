"""Coordinate-wise median. Source: Yin et al., "Byzantine-robust distributed learning" (ICML 2018)."""

from __future__ import annotations

from torch import Tensor

from r3mes_ray.training.rules.ordering import reduce_sorted


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def coordinate_median(rows: Tensor, faults: int) -> Tensor:
    """The middle of each column of (n, d), or halfway between the two; `faults` changes nothing."""
    n = rows.shape[0]
    low = (n - 1) // 2
    return reduce_sorted(rows, low, n // 2 + 1, lambda middle: middle[0] if n % 2 else (middle[0] + middle[1]) / 2)
