"""Best rank-r factors of a product, with the same bits everywhere: block subspace iteration on exact Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.training.reproducible.basis import Matrix, eigen, orthonormalise, start_block
from r3mes_ray.training.reproducible.integer import (
    BLOCK,
    LIMBS,
    Gemm,
    Limbs,
    balanced,
    combine,
    gram,
    multiply,
    room_for,
    row_sums,
    split,
)
from r3mes_ray.training.truncation import NEGLIGIBLE, Truncated

ITERATIONS = 20
OVERSAMPLE = 16
"""So many steps and spare directions come within 1e-3 of the optimal residual on the spectra of trained updates, and
within 3e-3 on ones made against them: a cluster a few per cent below the cut, where any choice is nearly as good."""


def truncate_reproducibly(b: Tensor, a: Tensor | None, rank: int, gemm: Gemm = torch.matmul) -> Truncated:
    """Truncate b·a for b (o, R), a (R, k) of any float type; the device of `b` and `a` does the large products.

    Without `a` it is the identity, and b (o, k) is dense. With GA = A Aᵀ and GB = Bᵀ B, directions are combinations X
    of B's columns: BX spans the left singular space, and GA GB X is one step of the iteration. The entry of largest
    absolute value in each column of the result's `b` is positive, and directions below 1e-7 of the largest are zero.

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
    left = _Gram(b.T, gemm)
    right = _Identity(gemm) if a is None else _Gram(a, gemm)
    total = left.energy(right)
    left.divide()
    right.divide()
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


def _directions(left: _Gram, right: _Gram | _Identity, x: Matrix, gemm: Gemm) -> tuple[Matrix, Matrix, Matrix]:
    """Rows x with BX orthonormal and aligned to the singular directions, rows y = x GB, and the squared σ."""
    for _ in range(ITERATIONS):
        x = right.step(left.step(x))
    x = left.orthonormal(left.orthonormal(x))
    y = left.times(x)
    squares, vectors = eigen(_inner(y, right.times(y), gemm))
    return _inner(vectors, np.ascontiguousarray(x.T), gemm), _inner(vectors, np.ascontiguousarray(y.T), gemm), squares


@dataclass(frozen=True, slots=True)
class _Identity:
    """The Gram matrix of an orthonormal basis."""

    gemm: Gemm

    def divide(self) -> None:
        """It has no limbs."""

    def times(self, rows: Matrix) -> Matrix:
        return rows

    def step(self, rows: Matrix) -> Matrix:
        return orthonormalise(_inner(rows, rows, self.gemm), rows)[0]


class _Gram:
    """The inner products of the rows of a matrix (n, k): first as they are, then as limbs in the same memory."""

    def __init__(self, rows: Tensor, gemm: Gemm) -> None:
        count = len(rows)
        self._gemm, self._half = gemm, room_for(count) // 2
        self._stacked = torch.empty(LIMBS * count, count, dtype=torch.float64)
        gram(rows, gemm, self._stacked[-count:])

    def energy(self, other: _Gram | _Identity) -> float:
        """The trace of the product of both."""
        own = self._stacked[-self._stacked.shape[1] :]
        if isinstance(other, _Identity):
            return float(row_sums(own.diagonal()[None, :]))
        blocks = zip(torch.split(own, BLOCK), torch.split(other._stacked[-len(own) :], BLOCK), strict=True)
        return float(row_sums(torch.cat([row_sums(one * two) for one, two in blocks])[None, :]))

    def divide(self) -> None:
        """Split it, some rows at a time; their remainder stands where they stood."""
        first, rest = self._stacked.chunk(LIMBS)
        scales, count = [], 1
        for upper, lower in zip(torch.split(first, BLOCK), torch.split(rest, BLOCK), strict=True):
            limbs = split(lower, self._half)
            upper.copy_(limbs.parts[0])
            lower.zero_()
            for part in limbs.parts[1:]:
                lower.copy_(part)
            scales.append(limbs.scale)
            count = max(count, len(limbs.parts))
        self._stacked = self._stacked[: count * len(first)]
        self._limbs = Limbs(self._stacked.chunk(count), torch.cat(scales), limbs.bits)

    def times(self, rows: Matrix) -> Matrix:
        """Rows times the matrix."""
        found: Matrix = multiply(split(torch.from_numpy(rows), self._half), self._limbs, self._gemm).numpy()
        return found

    def step(self, rows: Matrix) -> Matrix:
        """The rows, orthonormal in this matrix's inner product, times the matrix.

        Rows are rounded to one limb before, which moves them by 2^-20 of their largest entry and no further: the
        iteration corrects what it is given, and half of the work is saved.
        """
        short = split(torch.from_numpy(rows), self._half, 1)
        image = _halves(self._gemm(short.parts[0], self._stacked.T), len(self._limbs.parts)) * self._limbs.scale.T
        whole = split(image, self._half)
        inner = self._gemm(short.parts[0], torch.cat(whole.parts).T)
        gram: Matrix = (_halves(inner, len(whole.parts)) * whole.scale.T).numpy()
        scaled: Matrix = image.numpy()
        return orthonormalise(gram, scaled)[0]

    def orthonormal(self, rows: Matrix) -> Matrix:
        """The rows, orthonormal in this matrix's inner product."""
        return orthonormalise(_inner(rows, self.times(rows), self._gemm), rows)[0]


def _halves(product: Tensor, count: int) -> Tensor:
    """The sum of the blocks that stacked limbs give side by side."""
    first, *rest = product.chunk(count, dim=1)
    first = first + 0.0
    for term in rest:
        first = first + term
    return first


def _inner(a: Matrix, b: Matrix, gemm: Gemm) -> Matrix:
    half = room_for(a.shape[1]) // 2
    found: Matrix = multiply(split(torch.from_numpy(a), half), split(torch.from_numpy(b), half), gemm).numpy()
    return found


def _signs(b: Tensor) -> Tensor:
    """Sign of the first entry of largest absolute value in each column."""
    size = b.abs()
    places = torch.arange(b.shape[0], device=b.device)[:, None]
    first = torch.where(size == size.amax(dim=0), places, b.shape[0]).amin(dim=0)
    return torch.where(b.gather(0, first[None])[0] < 0, -1.0, 1.0).to(b.dtype)


def _wide(b: Tensor, rank: int) -> Tensor:
    """Zero columns up to the rank."""
    return torch.cat([b, b.new_zeros(b.shape[0], rank - b.shape[1])], dim=1)
