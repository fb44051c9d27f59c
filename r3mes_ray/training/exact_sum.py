"""A sum of products of factors, in memory that does not grow with the number of terms."""

from __future__ import annotations

import torch
from torch import Tensor

from r3mes_ray.training.algebra import Algebra
from r3mes_ray.training.truncation import Truncated

TILE_ROWS = 128
"""Rows of the dense sum that a term is added to at a time."""


class ExactSum:
    """Σ cᵢ aᵢ of one layer, (o, k): as factors up to a quarter of its shorter side, as a dense matrix after that.

    Truncated, both take about the same memory there. Which it is depends on the shapes of what is added, in its order,
    and on nothing else.
    """

    def __init__(self, rows: int, columns: int, algebra: Algebra) -> None:
        self._rows, self._columns, self._algebra = rows, columns, algebra
        self._factors: list[tuple[Tensor, Tensor]] = []
        self._width = 0
        self._dense: Tensor | None = None

    def add(self, c: Tensor, a: Tensor) -> None:
        """Add c·a, for c (o, R) and a (R, k) in float64."""
        self._factors.append((c, a))
        self._width += a.shape[0]
        if 4 * self._width <= min(self._rows, self._columns):
            return
        if self._dense is None:
            self._dense = torch.zeros(self._rows, self._columns, dtype=torch.float64, device=c.device)
        while self._factors:
            self._fold(self._dense, *self._factors.pop(0))

    def truncate(self, rank: int) -> Truncated:
        """The best factors of that rank; the sum is used up."""
        if self._dense is not None:
            return self._algebra.truncate(self._dense, None, rank)
        c, a = torch.cat([c for c, _ in self._factors], dim=1), torch.cat([a for _, a in self._factors])
        # What the sum still holds would be there twice while it is truncated.
        self._factors.clear()
        return self._algebra.truncate(c, a, rank)

    def _fold(self, dense: Tensor, c: Tensor, a: Tensor) -> None:
        """Add one term to the dense sum, a tile of rows at a time."""
        columns = a.T
        for tile, left in zip(torch.split(dense, TILE_ROWS), torch.split(c, TILE_ROWS), strict=True):
            tile += self._algebra.product(left, columns)
