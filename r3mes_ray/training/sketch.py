"""A few numbers of what an adapter does to the base: linear in it, so no encoding of the same step hides it.

With signs P (8, o) and Q (8, k) of each layer's own, the sketch is the 8 × 8 matrix Σ P (W′ − W₀) Qᵀ / 8 over layers.
Its norm and inner products are in expectation those of the steps: Alon, Matias and Szegedy's "tug of war" (1999) in
both directions of a matrix. With X = e ⊙ W₀ + CA as in `gram`, P X Qᵀ = Σ eᵣ Pᵣ ⊗ (W₀Qᵀ)ᵣ over rows + (PC)(QAᵀ)ᵀ.

The signs are everybody's, so that all nodes get the same bits. So noise that is made for them moves a sketch √(ok)/8
times more than the step, and costs nearly nothing: a sketch knows other encodings, not other weights.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.models.adapters.history import SKETCH_SIZE
from r3mes_ray.training.algebra import Algebra
from r3mes_ray.training.effects import Effects, along_base

SIDE = 8
"""Rows and columns of a sketch."""


class LayerSketches:
    """The sketches of one layer's adapters, filled in group by group."""

    def __init__(self, path: str, weight: Tensor, count: int, algebra: Algebra) -> None:
        rows, columns = weight.shape
        self.found = torch.zeros(count, SKETCH_SIZE, dtype=torch.float64, device=weight.device)
        self._weight, self._algebra = weight, algebra
        self._rows = _signs(path, "out", rows).to(weight.device)
        self._columns = _signs(path, "in", columns).to(weight.device)
        self._of_base: Tensor | None = None

    def add(self, places: range, effects: Effects) -> None:
        """Sketch a group of adapters, whose places in the layer these are."""
        product, row_sums = self._algebra.product, self._algebra.row_sums
        found = self.found[places.start : places.stop]
        left, right = product(self._rows, effects.c.T), product(self._columns, effects.a)
        for own, span in zip(found, effects.spans, strict=True):
            # Each adapter is summed at its own scale: beside a giant an honest one would lose its bits.
            own += row_sums(_outer(left[:, span], right[:, span]))
        shift = effects.gains - 1.0
        if bool(shift.any()):
            found += product(shift, self._base())
        # Exact: a power of two.
        found /= SIDE

    def _base(self) -> Tensor:
        """Pᵣ ⊗ (W₀Qᵀ)ᵣ of each row r, (64, o)."""
        if self._of_base is None:
            self._of_base = _outer(self._rows, along_base(self._weight, self._columns, self._algebra).T)
        return self._of_base


def _outer(left: Tensor, right: Tensor) -> Tensor:
    """leftₚ · right_q for each p and q, column by column: (8, n) and (8, n) make (64, n)."""
    return (left[:, None, :] * right[None, :, :]).reshape(SKETCH_SIZE, left.shape[1])


def _signs(path: str, axis: str, length: int) -> Tensor:
    """±1 of a layer's side, (8, length) float64, out of SHAKE-256."""
    data = hashlib.shake_256(f"r3mes/sketch/v1 {axis} {path}".encode()).digest(length)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return torch.from_numpy(1.0 - 2.0 * bits.reshape(SIDE, length))
