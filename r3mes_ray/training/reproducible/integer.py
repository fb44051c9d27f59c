"""Real matrices as sums of fixed-point matrices, and exact products of those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Gemm = Callable[[Tensor, Tensor], Tensor]
"""Matrix product of two float64 matrices; any implementation will do, since all partial sums are exact."""

MANTISSA = 53
_BIAS = 1022
_LOWEST, _HIGHEST = 300, 1700
"""Biased exponents of a row's largest entry: below the first it counts as zero, above the second products overflow."""
LIMBS = 2
"""Two limbs keep 41 bits below a row's largest entry at K = 4096; float32 factors have 24."""
BLOCK = 256
"""Rows or columns of a matrix that are split at a time, so that limbs take a small share of the matrix's memory."""
_MOST_BITS = 50
"""Bits of a part: with more, the sum that rounds it would leave its binade."""


@dataclass(frozen=True, slots=True)
class Limbs:
    """x = scale · Σ parts, up to the last bit.

    Attributes:
        parts: (n, k) each, |entry| ≤ 1: whole multiples of 2^-bits, the next ones of 2^-(2 bits + 1).
        scale: of each row, (n, 1).
    """

    parts: tuple[Tensor, ...]
    scale: Tensor
    bits: int


def split(x: Tensor, bits: int, count: int = LIMBS, exponent: Tensor | None = None) -> Limbs:
    """Split the rows of a float64 matrix, each at its own power of two; a remainder of zero ends early.

    Adding and taking away 1.5 · 2^52 steps rounds to whole steps. Parts lie in memory as x does. `exponent`, (n, 1), is
    `row_exponents` of the matrix of which x is some columns.

    Raises:
        ValueError: an entry is not finite, or beyond 2^677.
    """
    bits = min(bits, _MOST_BITS)
    if x.numel() == 0:
        return Limbs((x,), x.new_ones(x.shape[0], 1), bits)
    exponent = row_exponents(x) if exponent is None else exponent
    rest = x * power_of_two(-exponent)
    parts: list[Tensor] = []
    places = bits
    for _ in range(count - 1):
        shifter = 1.5 * 2.0 ** (MANTISSA - 1 - places)
        part = (rest + shifter).sub_(shifter)
        rest.sub_(part)
        parts.append(part)
        # Rounding leaves half a step, so the next part starts one bit lower.
        places += bits + 1
        if not bool(rest.any()):
            return Limbs(tuple(parts), power_of_two(exponent), bits)
    shifter = 1.5 * 2.0 ** (MANTISSA - 1 - places)
    return Limbs((*parts, rest.add_(shifter).sub_(shifter)), power_of_two(exponent), bits)


def row_exponents(x: Tensor) -> Tensor:
    """The least exponents, (n, 1), with |entry| < 2^exponent in each row; none below what counts as zero."""
    low, high = x.amin(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)
    exponent = biased_exponent(torch.maximum(high, -low).abs())
    if int(exponent.max()) > _HIGHEST:
        raise ValueError("a matrix entry is not finite, or too large")
    return exponent.clamp_min(_LOWEST) - _BIAS


def product(a: Tensor, b: Tensor, gemm: Gemm = torch.matmul) -> Tensor:
    """A bᵀ, for a (m, k) and b (n, k) float64: error below 2^-38 of the largest entries of the two rows at k = 4096.

    An entry depends on its two rows alone, and on whether all rows of `a` are ternary: see `uneven_row`.
    """
    room = room_for(a.shape[1])
    ternary = _ternary(a)
    if ternary is not None:
        return multiply(ternary, split(b, room, 1), gemm)
    half = room // 2
    left = split(a, half)
    return multiply(left, left if b is a else split(b, half), gemm)


def uneven_row(a: Tensor) -> Tensor:
    """The first row of (m, k) that is not of {−s, 0, s}, (1, k), or (0, k) where there is none.

    Above some rows of `a` it makes `product` compute them as it does among all: else these might be ternary alone.
    """
    return a[:0] if a.numel() == 0 else a[~_even(a)[:, 0]][:1]


def multiply(a: Limbs, b: Limbs, gemm: Gemm) -> Tensor:
    """Σ over pairs of limbs in a fixed order; pairs below the last bit are left out. Symmetric where `b is a`."""
    count = max(len(a.parts), len(b.parts))
    total: Tensor | None = None
    mirrored: dict[tuple[int, int], Tensor] = {}
    for i, left in enumerate(a.parts):
        for j, right in enumerate(b.parts[: count - i]):
            exact = mirrored.pop((j, i)).T if b is a and (j, i) in mirrored else gemm(left, right.T)
            if b is a and i < j:
                mirrored[i, j] = exact
            # A kernel may sum zeros to −0, and another to 0: adding 0 makes both 0. The first pair is no mirror's.
            total = exact.add_(0.0) if total is None else total.add_(exact)
    if total is None:
        raise ValueError("a product needs limbs")
    return total.mul_(a.scale).mul_(b.scale.T)


def combine(x: Tensor, weights: Tensor, gemm: Gemm) -> Tensor:
    """xᵀ w for x (n, k) and w (n, r), (k, r), some columns of x at a time: the rows' scales move into the weights."""
    bits, exponent = room_for(x.shape[1]) // 2, row_exponents(x)
    columns = split((weights * power_of_two(exponent)).T.contiguous(), room_for(len(x)) - min(bits, _MOST_BITS))
    found = x.new_empty(weights.shape[1], x.shape[1])
    for done, tile in zip(torch.split(found, BLOCK, dim=1), torch.split(x, BLOCK, dim=1), strict=True):
        done.copy_(times_columns(columns, split(tile, bits, exponent=exponent), gemm))
    return found.T


def times_columns(weights: Limbs, x: Limbs, gemm: Gemm) -> Tensor:
    """Weights (r, n) times x (n, k), (r, k): the scales of x are in the weights already."""
    return multiply(weights, Limbs(tuple(part.T for part in x.parts), x.scale.new_ones(1, 1), x.bits), gemm)


def gram(x: Tensor, gemm: Gemm, out: Tensor) -> None:
    """Write x xᵀ of x (n, k) into `out` (n, n), exactly symmetric, block by block: only two blocks of x are split."""
    half = room_for(x.shape[1]) // 2
    blocks = [slice(start, start + BLOCK) for start in range(0, len(x), BLOCK)]
    for place, rows in enumerate(blocks):
        left = split(x[rows], half)
        own = multiply(left, left, gemm)
        out[rows, rows] = (own + own.T) * 0.5
        for columns in blocks[place + 1 :]:
            found = multiply(left, split(x[columns], half), gemm)
            out[rows, columns] = found
            out[columns, rows] = found.T


def row_sums(x: Tensor) -> Tensor:
    """Sum of each row of a float64 matrix (n, k): (n,)."""
    if x.shape[1] == 0:
        return x.new_zeros(x.shape[0])
    limbs = split(x, room_for(x.shape[1]))
    first, *rest = (part.sum(dim=1) + 0.0 for part in limbs.parts)
    for term in rest:
        first = first + term
    return first * limbs.scale[:, 0]


def root(x: Tensor) -> Tensor:
    """√ of each entry as IEEE rounds it: torch's own on a CPU is a vector library's, whose last bit depends on it."""
    return x.sqrt() if x.is_cuda else torch.from_numpy(np.sqrt(x.numpy()))


def balanced(b: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """The same product with the largest entry of each row of `a` in [1, 2): exact, as only powers of two move.

    So whoever hands in (cB, A/c) cannot push the others' entries below the last bit.
    """
    if a.numel() == 0:
        return b, a
    exponent = biased_exponent(a.abs().amax(dim=1)) - (_BIAS + 1)
    exponent = torch.where(exponent <= -_BIAS, torch.zeros_like(exponent), exponent)
    if not bool(exponent.any()):
        return b, a
    return b * power_of_two(exponent), a * power_of_two(-exponent)[:, None]


def room_for(k: int) -> int:
    """Bits that the two factors of a product over k terms may have together."""
    return MANTISSA - max(1, (k - 1).bit_length())


def biased_exponent(x: Tensor) -> Tensor:
    """The exponent field of float64 numbers that are not negative: x < 2^(field − 1022)."""
    return x.contiguous().view(torch.int64) >> 52


def power_of_two(exponent: Tensor) -> Tensor:
    """2^exponent of int64 exponents in float64, written as bits: no library's `pow` is trusted."""
    return ((exponent + (_BIAS + 1)) << 52).view(torch.float64)


def _ternary(x: Tensor) -> Limbs | None:
    """A matrix of {−s, 0, s}, one s for each row, as one limb of a bit; None of any other."""
    if x.numel() == 0:
        return None
    # One row tells nearly always, at a thousandth of the cost.
    if len(x) > 1 and _ternary(x[:1]) is None:
        return None
    if not bool(_even(x).all()):
        return None
    return Limbs((x.sign(),), x.abs().amax(dim=1, keepdim=True), 0)


def _even(x: Tensor) -> Tensor:
    """Whether each row is of {−s, 0, s}, (n, 1)."""
    size = x.abs()
    return ((size == 0) | (size == size.amax(dim=1, keepdim=True))).all(dim=1, keepdim=True)
