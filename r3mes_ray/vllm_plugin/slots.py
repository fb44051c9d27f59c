"""The adapters that one linear layer holds ready on a CPU, and their batched application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from r3mes_ray.models.dora import sum_dtype
from r3mes_ray.vllm_plugin.plan import Group, Plan, Run


@dataclass(frozen=True, slots=True, eq=False)
class SlotAdapter:
    """One adapter of a layer whose output has several slices (query, key and value; gate and up; or one).

    Attributes:
        a: (sum of ranks, in), the slices' factors one below the other.
        b: of each slice (rank, slice), with scale and gain in it; `None` where the slice is not adapted.
    """

    a: Tensor
    b: tuple[Tensor | None, ...]

    @property
    def ranks(self) -> tuple[int, ...]:
        """Rank of each slice, 0 where it is not adapted."""
        return tuple(0 if factor is None else len(factor) for factor in self.b)


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """The adapters of a group as batched operands.

    a is (n, in, ranks), b by slice (n, rank, slice); `scaled` has the slots (n,) where one of them has gains.
    """

    a: Tensor
    b: tuple[tuple[slice, slice, Tensor], ...]
    scaled: Tensor | None

    @property
    def nbytes(self) -> int:
        return self.a.nbytes + sum(factor.nbytes for _, _, factor in self.b)


class SlotBank:
    """Adapters by slot, each at its own rank, and DoRA's gains in a buffer that is there while a slot holds a DoRA.

    Args:
        slots: how many adapters it can hold.
        slices: width of each slice of the output.
        dtype: of the layer's activations.
    """

    def __init__(self, slots: int, slices: Sequence[int], dtype: torch.dtype) -> None:
        bounds = list(accumulate(slices, initial=0))
        self._slots, self._dtype = slots, dtype
        self._slices = tuple(slice(low, high) for low, high in pairwise(bounds))
        self._adapters: list[SlotAdapter | None] = [None] * slots
        self._scaled: set[int] = set()
        self._stacked: tuple[Group | None, _Stack | None] = (None, None)
        self.gains: Tensor | None = None
        """g by slot (slots, out), 1 where there is none; `None` while no slot holds a DoRA."""

    @property
    def nbytes(self) -> int:
        """Bytes of all adapters, of the gains, and of the last group's operands."""
        held = [adapter for adapter in self._adapters if adapter is not None]
        factors = [factor for adapter in held for factor in (adapter.a, *adapter.b) if factor is not None]
        gains = 0 if self.gains is None else self.gains.nbytes
        stack = self._stacked[1]
        return sum(factor.nbytes for factor in factors) + gains + (0 if stack is None else stack.nbytes)

    def clear(self, slot: int) -> None:
        """Empty a slot."""
        self._adapters[slot] = None
        self._scaled.discard(slot)
        if self.gains is not None and self._scaled:
            self.gains[slot].fill_(1)
        else:
            self.gains = None
        self._stacked = (None, None)

    def fill(self, slot: int, a: Sequence[Tensor | None], b: Sequence[Tensor | None]) -> None:
        """Put an adapter's factors, by slice (rank, in) and (slice, rank), into a slot, as a LoRA."""
        self.clear(slot)
        dtype = self._dtype
        present = [factor for factor in a if factor is not None]
        if present:
            high = tuple(None if factor is None else factor.t().to(dtype).contiguous() for factor in b)
            self._adapters[slot] = SlotAdapter(torch.cat(present).to(dtype), high)

    def scale(self, slot: int, gains: Sequence[Tensor | None]) -> None:
        """Make the adapter of a slot a DoRA: g of each slice, `None` for one that has no magnitude."""
        for columns, gain in zip(self._slices, gains, strict=True):
            if gain is not None:
                if self.gains is None:
                    self.gains = torch.ones(self._slots, self._slices[-1].stop, dtype=self._dtype)
                self.gains[slot, columns].copy_(gain)
                self._scaled.add(slot)
        self._stacked = (None, None)

    def apply(self, y: Tensor, x: Tensor, plan: Plan) -> None:
        """Turn the base's product y (rows, out), without bias, into g ⊙ y + B A x for the rows that have an adapter.

        Cost: two products a slice for each run, and as many for all of a group together.
        """
        for run in plan.runs:
            self._apply_run(y, x, run)
        if plan.group is not None:
            self._apply_group(y, x, plan.group)

    def _apply_run(self, y: Tensor, x: Tensor, run: Run) -> None:
        adapter = self._adapters[run.slot]
        if adapter is None:
            return
        own = y[run.rows]
        wide = sum_dtype(x)
        low = torch.mm(x[run.rows].to(wide), adapter.a.t().to(wide))
        if self.gains is not None and run.slot in self._scaled:
            own.mul_(self.gains[run.slot])
        start = 0
        for columns, high in zip(self._slices, adapter.b, strict=True):
            if high is not None:
                own[:, columns].add_(torch.mm(low[:, start : start + len(high)], high.to(wide)).to(y.dtype))
                start += len(high)
        if isinstance(run.rows, Tensor):
            y.index_copy_(0, run.rows, own)

    def _apply_group(self, y: Tensor, x: Tensor, group: Group) -> None:
        stack = self._stack(group)
        if stack is None:
            return
        shape = (len(group.slots), group.width, -1)
        if group.gather is None:
            own, seen = y.view(shape), x.view(shape)
        else:
            own, seen = y.index_select(0, group.gather).view(shape), x.index_select(0, group.gather).view(shape)
        if self.gains is not None and stack.scaled is not None:
            own.mul_(self.gains.index_select(0, stack.scaled).unsqueeze(1))
        low = torch.bmm(seen.to(stack.a.dtype), stack.a)
        for columns, ranks, high in stack.b:
            own[:, :, columns].add_(torch.bmm(low[:, :, ranks], high).to(y.dtype))
        if group.gather is not None:
            flat = own.view(-1, y.shape[1])
            y.index_copy_(0, group.rows, flat if group.places is None else flat.index_select(0, group.places))

    def _stack(self, group: Group) -> _Stack | None:
        """The group's operands: made once for a batch, not for each of its steps."""
        known, stack = self._stacked
        if known is None or known.slots != group.slots:
            stack = self._make_stack(group.slots)
            self._stacked = (group, stack)
        return stack

    def _make_stack(self, slots: tuple[int, ...]) -> _Stack | None:
        adapters = [self._adapters[slot] for slot in slots]
        present = [adapter for adapter in adapters if adapter is not None]
        if not present:
            return None
        ranks = [max(of_slice) for of_slice in zip(*(adapter.ranks for adapter in present), strict=True)]
        bounds = list(accumulate(ranks, initial=0))
        width = present[0].a.shape[1]
        low = present[0].a.new_zeros(len(slots), width, bounds[-1], dtype=sum_dtype(present[0].a))
        high = [
            low.new_zeros(len(slots), rank, part.stop - part.start)
            for rank, part in zip(ranks, self._slices, strict=True)
        ]
        for place, adapter in enumerate(adapters):
            if adapter is None:
                continue
            start = 0
            for index, factor in enumerate(adapter.b):
                if factor is not None:
                    rank = len(factor)
                    low[place, :, bounds[index] : bounds[index] + rank] = adapter.a[start : start + rank].t()
                    high[index][place, :rank] = factor
                    start += rank
        parts = tuple(
            (columns, slice(first, last), factor)
            for columns, (first, last), factor in zip(self._slices, pairwise(bounds), high, strict=True)
            if last > first
        )
        scaled = None if self._scaled.isdisjoint(slots) else torch.tensor(slots)
        return _Stack(low, parts, scaled)
