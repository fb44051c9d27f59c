"""Which rows of a step belong to which adapter, worked out once a step for all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A step: the rows (n,) that have an adapter, and their slots (n,), a slot's together; others are the base's."""

    rows: NDArray[np.int64] = field(default_factory=_none)
    slots: NDArray[np.int64] = field(default_factory=_none)

    @property
    def empty(self) -> bool:
        """Whether all rows are the base model's."""
        return not len(self.rows)


def make_plan(slots: Sequence[int]) -> Plan:
    """The plan of a step whose row i has the adapter of slot `slots[i]`, -1 for none."""
    of_row = np.asarray(slots, dtype=np.int64)
    rows = np.flatnonzero(of_row >= 0)
    order = rows[np.argsort(of_row[rows], kind="stable")]
    return Plan(order, of_row[order])
