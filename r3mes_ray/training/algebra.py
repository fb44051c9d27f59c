"""How the mathematics of a round is computed: two ways with one meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.training import reproducible
from r3mes_ray.training.truncation import Truncation, truncate_lapack


@dataclass(frozen=True, slots=True)
class Algebra:
    """The three reductions that everything else is built of, on float64.

    Attributes:
        product: a bᵀ of a (m, k) and b (n, k).
        row_sums: (n, k) → (n,).
        truncate: rank-r factors of a product.
    """

    product: Callable[[Tensor, Tensor], Tensor]
    row_sums: Callable[[Tensor], Tensor]
    truncate: Truncation

    def row_dots(self, a: Tensor, b: Tensor) -> Tensor:
        """⟨aᵢ, bᵢ⟩ of each pair of rows, (n,)."""
        return self.row_sums(a * b)


def _product(a: Tensor, b: Tensor) -> Tensor:
    return a @ b.T


def _row_sums(x: Tensor) -> Tensor:
    return x.sum(dim=1)


REPRODUCIBLE = Algebra(reproducible.product, reproducible.row_sums, reproducible.truncate_reproducibly)
"""The same bits on every machine: what is published, and what decides about publishing."""

LAPACK = Algebra(_product, _row_sums, truncate_lapack)
"""Plain float64, whose last bits depend on library and threads: the oracle of the other one."""
