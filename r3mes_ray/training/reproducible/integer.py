"""Real matrices as sums of integer matrices, and exact products of those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Gemm = Callable[[Tensor, Tensor], Tensor]
"""Matrix product of two float64 matrices; any implementation will do, since all partial sums are exact."""

MANTISSA = 53
_BIAS = 1022
_LOWEST, _HIGHEST = 300, 1700
"""Biased exponents of a row's largest entry: below the first it counts as zero, above the second products overflow."""
LIMBS = 2
"""Two limbs keep 40 bits below a row's largest entry at K = 4096; float32 factors have 24."""


@dataclass(frozen=True, slots=True)
class Limbs:
    """x = Σ partsᵢ · stepsᵢ up to the last step: integer parts (n, k) with |q| ≤ 2^bits, steps (n, 1)."""

    parts: tuple[Tensor, ...]
    steps: tuple[Tensor, ...]
    bits: int


def split(x: Tensor, bits: int, count: int = LIMBS) -> Limbs:
    """Split the rows of a float64 matrix, each at its own power of two; a remainder of zero ends early.

    Raises:
        ValueError: an entry is not finite, or beyond 2^677.
    """
    if x.numel() == 0:
        return Limbs((x,), (x.new_ones(x.shape[0], 1),), bits)
    exponent = biased_exponent(x.abs().amax(dim=1, keepdim=True))
    if int(exponent.max()) > _HIGHEST:
        raise ValueError("a matrix entry is not finite, or too large")
    exponent = exponent.clamp_min(_LOWEST)
    parts: list[Tensor] = []
    steps: list[Tensor] = []
    for index in range(count):
        shift = exponent - _BIAS - bits
        part = (x * power_of_two(-shift)).round_()
        step = power_of_two(shift)
        parts.append(part)
        steps.append(step)
        if index + 1 == count:
            break
        x = x - part * step
        # Rounding leaves half a step, so the next part starts one bit lower.
        exponent = exponent - bits - 1
        if not bool(x.any()):
            break
    return Limbs(tuple(parts), tuple(steps), bits)


def product(a: Tensor, b: Tensor, gemm: Gemm = torch.matmul) -> Tensor:
    """A bᵀ, for a (m, k) and b (n, k) float64: error below 2^-38 of the largest entries of the two rows at k = 4096."""
    room = room_for(a.shape[1])
    ternary = _ternary(a)
    if ternary is not None:
        return multiply(ternary, split(b, room, 1), gemm)
    half = room // 2
    left = split(a, half)
    return multiply(left, left if b is a else split(b, half), gemm)


def multiply(a: Limbs, b: Limbs, gemm: Gemm) -> Tensor:
    """Σ over pairs of limbs in a fixed order; pairs below the last step are left out. Symmetric where `b is a`."""
    count = max(len(a.parts), len(b.parts))
    total: Tensor | None = None
    mirrored: dict[tuple[int, int], Tensor] = {}
    for i, left in enumerate(a.parts):
        for j, right in enumerate(b.parts[: count - i]):
            if b is a and (j, i) in mirrored:
                exact = mirrored[j, i].T
            else:
                exact = gemm(left, right.T)
                mirrored[i, j] = exact
            term = exact * a.steps[i] * b.steps[j].T
            total = term if total is None else total + term
    if total is None:
        raise ValueError("a product needs limbs")
    return total


def combine(limbs: Limbs, weights: Tensor, gemm: Gemm) -> Tensor:
    """xᵀ w for x (n, k) given by its limbs and w (n, r): the limbs' steps move into the weights, so x is split once."""
    bits = room_for(weights.shape[0]) - limbs.bits
    total: Tensor | None = None
    for part, step in zip(limbs.parts, limbs.steps, strict=True):
        columns = split((weights * step).T.contiguous(), bits)
        for column, size in zip(columns.parts, columns.steps, strict=True):
            term = gemm(column, part) * size
            total = term if total is None else total + term
    if total is None:
        raise ValueError("a combination needs limbs")
    return total.T.contiguous()


def row_sums(x: Tensor) -> Tensor:
    """Sum of each row of a float64 matrix (n, k): (n,)."""
    if x.shape[1] == 0:
        return x.new_zeros(x.shape[0])
    limbs = split(x, room_for(x.shape[1]))
    total: Tensor | None = None
    for part, step in zip(limbs.parts, limbs.steps, strict=True):
        term = part.sum(dim=1) * step[:, 0]
        total = term if total is None else total + term
    return x.new_zeros(x.shape[0]) if total is None else total


def balanced(b: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """The same product with the largest entry of each row of `a` in [1, 2): exact, as only powers of two move.

    So whoever hands in (cB, A/c) cannot push the others' entries below the last bit.
    """
    if a.numel() == 0:
        return b, a
    exponent = biased_exponent(a.abs().amax(dim=1)) - (_BIAS + 1)
    exponent = torch.where(exponent <= -_BIAS, torch.zeros_like(exponent), exponent)
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
    size = x.abs()
    top = size.amax(dim=1, keepdim=True)
    if not bool(((size == 0) | (size == top)).all()):
        return None
    return Limbs((x.sign(),), (top,), 0)
