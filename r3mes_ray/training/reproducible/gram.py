"""Inner products that the truncation iterates with: formed once, or of a dense matrix never formed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.reproducible.basis import Matrix, orthonormalise
from r3mes_ray.training.reproducible.integer import (
    BLOCK,
    LIMBS,
    Gemm,
    Limbs,
    gram,
    multiply,
    room_for,
    row_sums,
    split,
    times_columns,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The Gram matrix of an orthonormal basis."""

    gemm: Gemm

    def times(self, rows: Matrix) -> Matrix:
        """The rows as they are."""
        return rows

    def step(self, rows: Matrix) -> Matrix:
        """The rows, orthonormal."""
        return orthonormalise(inner(rows, rows, self.gemm), rows)[0]


class Formed:
    """The inner products of the rows of a matrix (n, k): first as they are, then as limbs in the same memory."""

    def __init__(self, rows: Tensor, gemm: Gemm) -> None:
        count = len(rows)
        self._gemm, self._half = gemm, room_for(count) // 2
        self._stacked = torch.empty(LIMBS * count, count, dtype=torch.float64)
        gram(rows, gemm, self._stacked[-count:])

    def energy(self, other: Formed) -> float:
        """The trace of the product of both."""
        own = self._stacked[-self._stacked.shape[1] :]
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
        return orthonormalise(inner(rows, self.times(rows), self._gemm), rows)[0]


class Unformed:
    """The inner products of the columns of a dense matrix b (o, k), of which never more than b is in memory.

    A product with them is one with bᵀ and one with b, some rows of b at a time.
    """

    def __init__(self, b: Tensor, gemm: Gemm) -> None:
        self._b, self._gemm, self._half = b, gemm, room_for(b.shape[1]) // 2

    def energy(self) -> float:
        """Their trace."""
        return float(row_sums(torch.cat([row_sums(block * block) for block in torch.split(self._b, BLOCK)])[None, :]))

    def times(self, rows: Matrix) -> Matrix:
        """Rows times the matrix."""
        return self._apply(rows, LIMBS)[1]

    def step(self, rows: Matrix) -> Matrix:
        """The rows, orthonormal in this matrix's inner product, times the matrix; rounded as those of `Formed`."""
        along, image = self._apply(rows, 1)
        return orthonormalise(inner(along, along, self._gemm), image)[0]

    def orthonormal(self, rows: Matrix) -> Matrix:
        """The rows, orthonormal in this matrix's inner product."""
        along = self._apply(rows, LIMBS)[0]
        return orthonormalise(inner(along, along, self._gemm), rows)[0]

    def _apply(self, rows: Matrix, count: int) -> tuple[Matrix, Matrix]:
        """Rows bᵀ and rows bᵀ b, from so many limbs of what is multiplied by b."""
        x = split(torch.from_numpy(rows).to(self._b.device), self._half, count)
        along, image = [], torch.zeros(rows.shape, dtype=torch.float64, device=self._b.device)
        for block in torch.split(self._b, BLOCK):
            part, term = self._apply_block(block, x, count)
            along.append(part)
            image += term
        return torch.cat(along, dim=1).cpu().numpy(), image.cpu().numpy()

    def _apply_block(self, block: Tensor, x: Limbs, count: int) -> tuple[Tensor, Tensor]:
        """The same of some rows of b, whose limbs are gone after it."""
        limbs = split(block, self._half)
        along = multiply(x, limbs, self._gemm)
        # The scales of b's rows move into what they are multiplied by.
        weights = split(along * limbs.scale.T, room_for(BLOCK) - limbs.bits, count)
        return along, times_columns(weights, limbs, self._gemm)


def _halves(product: Tensor, count: int) -> Tensor:
    """The sum of the blocks that stacked limbs give side by side."""
    first, *rest = product.chunk(count, dim=1)
    first = first + 0.0
    for term in rest:
        first = first + term
    return first


def inner(a: Matrix, b: Matrix, gemm: Gemm) -> Matrix:
    """A bᵀ."""
    half = room_for(a.shape[1]) // 2
    found: Matrix = multiply(split(torch.from_numpy(a), half), split(torch.from_numpy(b), half), gemm).numpy()
    return found
