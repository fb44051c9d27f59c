"""What adapters do to one layer, at the cost of their factors.

An adapter module means W′ = g ⊙ (W₀ + BA), with the scale folded into B; a LoRA has g = 1, a DoRA has
g = m / ‖W₀ + BA‖ per output row. Its step from the base is W′ − W₀ = (g − 1) ⊙ W₀ + C A with C = g ⊙ B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.reproducible import balanced

ROWS = 1024
"""Rows of the base in float64 at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """One module of one adapter, float64: `b` (o, r) with the scale in it, `a` (r, k), `magnitude` (o,) of a DoRA."""

    b: Tensor
    a: Tensor
    magnitude: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """The adapters of one layer, stacked.

    Attributes:
        gains: g of each adapter, (N, o).
        c: the columns of all C side by side, (o, R).
        a: the rows of all A, (R, k).
        spans: where each adapter's columns are.
        crosses: ⟨row of W₀, row of C A⟩ of each adapter, (N, o); zeros where no gain differs from 1.
        base_energy: ‖row of W₀‖², (o,); zeros as above.
    """

    gains: Tensor
    c: Tensor
    a: Tensor
    spans: tuple[slice, ...]
    crosses: Tensor
    base_energy: Tensor


def effects_of(weight: Tensor, parts: Sequence[Part | None], algebra: Algebra = REPRODUCIBLE) -> Effects:
    """Stack the parts of a layer and find their gains; None is an adapter that leaves the layer as it is.

    The base, (o, k) of any float type, is read once, and only where one of the parts is a DoRA.
    """
    rows, columns = weight.shape
    b, a, spans = _stack(parts, rows, columns, weight.device)
    gains = torch.ones(len(parts), rows, dtype=torch.float64, device=weight.device)
    crosses, energy = torch.zeros_like(gains), gains.new_zeros(rows)
    if any(part is not None and part.magnitude is not None for part in parts):
        along, energy = _along_base(weight, a, algebra)
        for index, (part, span) in enumerate(zip(parts, spans, strict=True)):
            if part is None:
                continue
            cross = algebra.row_dots(along[:, span], b[:, span])
            if part.magnitude is not None:
                norms = _norms(energy, cross, b[:, span], a[span], algebra)
                gains[index] = torch.where(norms > 0, part.magnitude / norms, 0.0)
            crosses[index] = gains[index] * cross
    c = b.clone()
    for index, span in enumerate(spans):
        c[:, span] = gains[index][:, None] * b[:, span]
    return Effects(gains, c, a, spans, crosses, energy)


def row_norms(weight: Tensor, part: Part, algebra: Algebra = REPRODUCIBLE) -> Tensor:
    """‖row of W₀ + BA‖, float64 (o,)."""
    b, a = balanced(part.b, part.a)
    along, energy = _along_base(weight, a, algebra)
    return _norms(energy, algebra.row_dots(along, b), b, a, algebra)


def _stack(
    parts: Sequence[Part | None], rows: int, columns: int, device: torch.device
) -> tuple[Tensor, Tensor, tuple[slice, ...]]:
    empty_b = torch.zeros(rows, 0, dtype=torch.float64, device=device)
    empty_a = torch.zeros(0, columns, dtype=torch.float64, device=device)
    pairs = [(empty_b, empty_a) if part is None else balanced(part.b, part.a) for part in parts]
    spans, start = [], 0
    for _, own in pairs:
        spans.append(slice(start, start + own.shape[0]))
        start += own.shape[0]
    b, a = torch.cat([empty_b, *(b for b, _ in pairs)], dim=1), torch.cat([empty_a, *(a for _, a in pairs)])
    return b, a, tuple(spans)


def _along_base(weight: Tensor, a: Tensor, algebra: Algebra) -> tuple[Tensor, Tensor]:
    """W₀ Aᵀ (o, R), and the squared norm of each row of W₀ (o,)."""
    along, energy = [], []
    for narrow in torch.split(weight, ROWS):
        tile = narrow.double()
        along.append(algebra.product(tile, a))
        energy.append(algebra.row_dots(tile, tile))
    return torch.cat(along), torch.cat(energy)


def _norms(energy: Tensor, cross: Tensor, b: Tensor, a: Tensor, algebra: Algebra) -> Tensor:
    own = algebra.row_dots(algebra.product(b, algebra.product(a, a)), b)
    return (energy + (cross + cross) + own).clamp_min(0.0).sqrt()
