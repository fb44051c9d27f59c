"""The adapters that one linear layer holds ready on a CPU, and their batched application."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.vllm_plugin.plan import Plan
from r3mes_ray.vllm_plugin.row_kernel import Factors, apply_factors


class SlotBank:
    """Adapters by slot in float32, each at its own rank, and DoRA's gains in a buffer that is there while one has some.

    Args:
        slots: how many adapters it can hold.
        slices: width of each slice of the output (query, key and value; gate and up; or one).
    """

    def __init__(self, slots: int, slices: Sequence[int]) -> None:
        bounds = list(accumulate(slices, initial=0))
        self._slices = tuple(slice(low, high) for low, high in pairwise(bounds))
        self._held: list[Tensor | None] = [None] * slots
        self._factors = Factors(
            np.zeros(slots, np.int64), np.zeros((slots, len(slices)), np.int64), np.array(bounds), np.zeros(slots, bool)
        )
        self.gains: Tensor | None = None
        """g by slot (slots, out), 1 where there is none; `None` while no slot holds a DoRA."""

    @property
    def nbytes(self) -> int:
        """Bytes of all adapters and of the gains."""
        return sum(held.nbytes for held in (*self._held, self.gains) if held is not None)

    def clear(self, slot: int) -> None:
        """Empty a slot."""
        self._held[slot] = None
        self._factors.ranks[slot] = 0
        self._factors.scaled[slot] = False
        if self.gains is not None and self._factors.scaled.any():
            self.gains[slot].fill_(1)
        else:
            self.gains = None

    def fill(self, slot: int, a: Sequence[Tensor | None], b: Sequence[Tensor | None]) -> None:
        """Put an adapter's factors, by slice (rank, in) and (slice, rank), into a slot, as a LoRA."""
        self.clear(slot)
        parts = [*a, *(None if factor is None else factor.t() for factor in b)]
        present = [part.reshape(-1) for part in parts if part is not None]
        if present:
            held = self._held[slot] = torch.cat(present).float()
            self._factors.addresses[slot] = held.data_ptr()
            self._factors.ranks[slot] = [0 if factor is None else factor.shape[1] for factor in b]

    def scale(self, slot: int, gains: Sequence[Tensor | None]) -> None:
        """Make the adapter of a slot a DoRA: g of each slice, `None` for one that has no magnitude."""
        for columns, gain in zip(self._slices, gains, strict=True):
            if gain is not None:
                if self.gains is None:
                    self.gains = torch.ones(len(self._held), self._slices[-1].stop)
                self.gains[slot, columns].copy_(gain)
                self._factors.scaled[slot] = True

    def apply(self, y: Tensor, x: Tensor, plan: Plan) -> None:
        """Turn the base's product y (rows, out), without bias, into g ⊙ y + B A x for the rows that have an adapter.

        Cost: one pass over each row's factors; rows of one adapter follow each other, and find them in the cache.
        """
        if y.dtype == torch.float32 and y.is_contiguous():
            self._apply(y, x, plan.rows, plan.slots)
            return
        rows = torch.from_numpy(plan.rows)
        own = y.index_select(0, rows).float()
        self._apply(own, x.index_select(0, rows).float(), np.arange(len(plan.rows)), plan.slots)
        y.index_copy_(0, rows, own.to(y.dtype))

    def _apply(self, y: Tensor, x: Tensor, rows: np.ndarray, slots: np.ndarray) -> None:
        gains = _NO_GAINS if self.gains is None else self.gains
        apply_factors(y.numpy(), x.contiguous().numpy(), rows, slots, self._factors, gains.numpy())


_NO_GAINS = torch.ones(1, 1)
