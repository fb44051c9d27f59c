"""Which rows of a step belong to which adapter, worked out once a step for all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

LONG_RUN = 16
"""Rows of one adapter from which a matrix product of its own is faster than a place in the batched one."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Many rows of one adapter: a range of the step's rows, or their indices."""

    slot: int
    rows: slice | Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A few rows each of several adapters, for one batched product over `(len(slots), width)` places.

    Attributes:
        slots: the adapters, in the order of their first row.
        width: the most rows that one of them has.
        gather: row that fills each place, flat; `None` where place i is row i and every row of the step is in it.
        rows: row of each place that counts, and `places` those places; the others are padding.
    """

    slots: tuple[int, ...]
    width: int
    gather: Tensor | None
    rows: Tensor
    places: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A step: rows that are in no run and not in the group are the base model's."""

    runs: tuple[Run, ...] = ()
    group: Group | None = None

    @property
    def empty(self) -> bool:
        """Whether all rows are the base model's."""
        return not self.runs and self.group is None


def make_plan(slots: Sequence[int]) -> Plan:
    """The plan of a step whose row i has the adapter of slot `slots[i]`, -1 for none."""
    of_row = np.asarray(slots, dtype=np.int64)
    rows = {int(slot): np.flatnonzero(of_row == slot) for slot in np.unique(of_row) if slot >= 0}
    short = {slot: own for slot, own in rows.items() if len(own) < LONG_RUN}
    if len(short) == 1:
        short = {}
    runs = tuple(Run(slot, _range_or_indices(own)) for slot, own in rows.items() if slot not in short)
    return Plan(runs, _group(short, len(of_row)) if short else None)


def _range_or_indices(rows: np.ndarray) -> slice | Tensor:
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else torch.from_numpy(rows)


def _group(rows: dict[int, np.ndarray], total: int) -> Group:
    slots = tuple(sorted(rows, key=lambda slot: int(rows[slot][0])))
    width = max(len(own) for own in rows.values())
    table = np.stack([np.pad(rows[slot], (0, width - len(rows[slot])), mode="edge") for slot in slots])
    counted = np.stack([np.arange(width) < len(rows[slot]) for slot in slots])
    gather = table.reshape(-1)
    whole = len(gather) == total and bool((gather == np.arange(total)).all())
    places = None if bool(counted.all()) else torch.from_numpy(np.flatnonzero(counted))
    return Group(slots, width, None if whole else torch.from_numpy(gather), torch.from_numpy(table[counted]), places)
