"""Best rank-r factors of a product, with the same bits everywhere: block subspace iteration on exact Gram matrices."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.training.reproducible.basis import Matrix, eigen, start_block
from r3mes_ray.training.reproducible.gram import Formed, Identity, Unformed, inner
from r3mes_ray.training.reproducible.integer import Gemm, balanced, combine, row_sums
from r3mes_ray.training.truncation import NEGLIGIBLE, Truncated

ITERATIONS = 20
OVERSAMPLE = 16
"""So many steps and spare directions come within 1e-3 of the optimal residual on the spectra of trained updates, and
within 3e-3 on ones made against them: a cluster a few per cent below the cut, where any choice is nearly as good."""


def truncate_reproducibly(b: Tensor, a: Tensor | None, rank: int, gemm: Gemm = torch.matmul) -> Truncated:
    """Truncate b·a for b (o, R), a (R, k) of any float type; the device of `b` and `a` does the large products.

    Without `a` it is the identity, and b (o, k) is dense. With GA = A Aᵀ and GB = Bᵀ B, directions are combinations X
    of B's columns: BX spans the left singular space, and GA GB X is one step of the iteration; of a dense b, GB is
    never formed. The entry of largest absolute value in each column of the result's `b` is positive, and directions
    below 1e-7 of the largest are zero.

    Raises:
        ValueError: an entry is not finite.
    """
    if 0 in b.shape or (a is not None and a.shape[1] == 0):
        width = b.shape[1] if a is None else a.shape[1]
        return Truncated(b.new_zeros(b.shape[0], rank).double(), b.new_zeros(rank, width).double(), 0.0, 0.0)
    if a is None and b.shape[1] > b.shape[0]:
        found = _truncate(b.double().T, None, rank, gemm)
        left, right = found.a.T, found.b.T
    else:
        b, a = (b.double(), None) if a is None else balanced(b.double(), a.double())
        found = _truncate(b, a, rank, gemm)
        left, right = found.b, found.a
    signs = _signs(left)
    b_out, a_out = left * signs, (right * signs[:, None]).T
    return Truncated(_wide(b_out, rank), _wide(a_out, rank).T, found.kept_energy, found.total_energy)


def _truncate(b: Tensor, a: Tensor | None, rank: int, gemm: Gemm) -> Truncated:
    """Factors of at most that rank, of any signs."""
    left, right, total = _inner_products(b, a, gemm)
    count = b.shape[1]
    x, y, squares = _directions(left, right, start_block(min(count, rank + OVERSAMPLE), count), gemm)
    sigma = np.sqrt(np.maximum(squares[:rank], 0.0))
    kept = sigma > NEGLIGIBLE * sigma[0]
    root = np.sqrt(np.where(kept, sigma, 1.0))
    to_b = torch.from_numpy(np.where(kept, root, 0.0)[:, None] * x[:rank]).to(b.device)
    to_a = torch.from_numpy(np.where(kept, 1.0 / root, 0.0)[:, None] * y[:rank]).to(b.device)
    energy = row_sums(torch.from_numpy(np.where(kept, sigma * sigma, 0.0)[None, :]))
    return Truncated(
        b=combine(b.T, to_b.T, gemm),
        a=to_a if a is None else combine(a, to_a.T, gemm).T,
        kept_energy=float(energy),
        total_energy=total,
    )


def _inner_products(b: Tensor, a: Tensor | None, gemm: Gemm) -> tuple[Formed | Unformed, Formed | Identity, float]:
    """GB and GA, and the trace of their product."""
    if a is None:
        dense = Unformed(b, gemm)
        return dense, Identity(gemm), dense.energy()
    left, right = Formed(b.T, gemm), Formed(a, gemm)
    total = left.energy(right)
    left.divide()
    right.divide()
    return left, right, total


def _directions(
    left: Formed | Unformed, right: Formed | Identity, x: Matrix, gemm: Gemm
) -> tuple[Matrix, Matrix, Matrix]:
    """Rows x with BX orthonormal and aligned to the singular directions, rows y = x GB, and the squared σ."""
    for _ in range(ITERATIONS):
        x = right.step(left.step(x))
    x = left.orthonormal(left.orthonormal(x))
    y = left.times(x)
    squares, vectors = eigen(inner(y, right.times(y), gemm))
    return inner(vectors, np.ascontiguousarray(x.T), gemm), inner(vectors, np.ascontiguousarray(y.T), gemm), squares


def _signs(b: Tensor) -> Tensor:
    """Sign of the first entry of largest absolute value in each column."""
    size = b.abs()
    places = torch.arange(b.shape[0], device=b.device)[:, None]
    first = torch.where(size == size.amax(dim=0), places, b.shape[0]).amin(dim=0)
    return torch.where(b.gather(0, first[None])[0] < 0, -1.0, 1.0).to(b.dtype)


def _wide(b: Tensor, rank: int) -> Tensor:
    """Zero columns up to the rank."""
    return torch.cat([b, b.new_zeros(b.shape[0], rank - b.shape[1])], dim=1)
