"""Best rank-r factors of a product that is given by its factors, as a strategy.

`Truncation` is the seam: the LAPACK implementation here is fast and exact to rounding, but its last bits depend on the
library and its threads. A bit-reproducible one has the same signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

NEGLIGIBLE = 1e-7
"""Singular values below this share of the largest become zero columns: their directions are rounding noise."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """`b` (o, r) and `a` (r, k) with b·a the best rank-r approximation; energies are squared Frobenius norms."""

    b: Tensor
    a: Tensor
    kept_energy: float
    total_energy: float


Truncation = Callable[[Tensor, Tensor | None, int], Truncated]
"""(b (o, R), a (R, k), rank) → factors of exactly that rank, zero-padded where the product has less.

Without `a` it is the identity: b (o, k) is the product itself.
"""


def truncate_lapack(b: Tensor, a: Tensor | None, rank: int) -> Truncated:
    """Truncate b·a by QR of both factors and an SVD of the R×R core (Eckart-Young, never forming o×k).

    Signs are fixed: the entry of largest absolute value in each column of the result's `b` is positive.
    """
    if a is None:
        a = torch.eye(b.shape[1], dtype=b.dtype, device=b.device)
    left, left_core = torch.linalg.qr(b)
    right, right_core = torch.linalg.qr(a.T)
    u, sigma, vh = torch.linalg.svd(left_core @ right_core.T, full_matrices=False)
    energies = sigma.square()
    kept = sigma[:rank].clone()
    kept[kept <= NEGLIGIBLE * kept[:1].sum()] = 0.0
    root = kept.sqrt()
    count = kept.numel()
    b_out = (left @ u[:, :count]) * root
    a_out = (right @ vh[:count].T).T * root[:, None]
    signs = _column_signs(b_out)
    out = _pad(b_out * signs, a_out * signs[:, None], rank)
    return Truncated(*out, kept_energy=float(kept.square().sum()), total_energy=float(energies.sum()))


def _column_signs(b: Tensor) -> Tensor:
    if b.shape[1] == 0:
        return b.new_ones(0)
    largest = b.gather(0, b.abs().argmax(dim=0, keepdim=True))[0]
    return torch.where(largest < 0, -1.0, 1.0).to(b.dtype)


def _pad(b: Tensor, a: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    missing = rank - b.shape[1]
    if missing == 0:
        return b, a
    return (
        torch.cat([b, b.new_zeros(b.shape[0], missing)], dim=1),
        torch.cat([a, a.new_zeros(missing, a.shape[1])], dim=0),
    )
