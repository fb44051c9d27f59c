"""Coordinate-wise median. Source: Yin et al., "Byzantine-robust distributed learning" (ICML 2018)."""

from __future__ import annotations

from torch import Tensor

from r3mes_ray.training.rules.ordering import mean_of_sorted


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def coordinate_median(rows: Tensor, faults: int) -> Tensor:
    """The middle of each column of (n, d), or halfway between the two; `faults` changes nothing."""
    n = rows.shape[0]
    return mean_of_sorted(rows, (n - 1) // 2, n // 2 + 1)
