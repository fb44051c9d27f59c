"""The CPU's product of rows with their adapters, compiled by numba: float32 factors, float64 sums, one reading.

A library's float32 product sums in an order that the shape of the batch decides, and its float64 one reads twice the
bytes. Here factors are read as they lie and widened in registers; a float64 sum that is rounded once does not show its
order, so that a row's bits depend on no other row.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from llvmlite.binding import ffi
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from r3mes_ray.vllm_plugin.row_products import add, lower, lower_four, raise_four, raise_row, scale_add

# llvmlite answers for any attribute of its library, `__dict__` too, and vLLM's scan of all modules dies of the answer.
ffi.lib._fntab["__dict__"] = {}

_COLUMNS = 512
"""Outputs that are summed at a time, in float64: they stay in the first-level cache."""
_SHARE = 2**20
"""Products from which another thread pays: about 100 µs of work."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
_outer: Callable[[Callable[..., Any]], Any] = njit(nogil=True)


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """Where the adapters of a layer lie, by slot.

    Attributes:
        addresses: (slots,) of float32 values: A (sum of ranks, in), and B of each slice (rank, slice), without gaps.
        ranks: (slots, slices), 0 where a slice is not adapted.
        bounds: (slices + 1,) columns of the output between the slices.
        scaled: (slots,) whether the slot has gains.
    """

    addresses: Integers
    ranks: Integers
    bounds: Integers
    scaled: NDArray[np.bool_]

    def products(self, slots: Integers, width: int) -> int:
        """Multiplications for rows of these slots."""
        return int(((width + np.diff(self.bounds)) * self.ranks).sum(1)[slots].sum())


def apply_factors(y: Floats, x: Floats, rows: Integers, slots: Integers, factors: Factors, gains: Floats) -> None:
    """y[row] = g ⊙ y[row] + B A x[row] for `rows` (n,) with the adapters of `slots` (n,), a slot's together.

    Shapes: y (rows, out), without bias; x (rows, in); gains (slots, out), of which only scaled slots' are read.
    """
    threads = torch.get_num_threads()
    if threads > 1:
        threads = min(threads, 1 + factors.products(slots, x.shape[1]) // _SHARE)

    def adapt(rows: Integers, slots: Integers) -> None:
        _adapt(y, x, rows, slots, factors.addresses, factors.ranks, factors.bounds, factors.scaled, gains)

    if threads == 1:
        adapt(rows, slots)
        return
    for _ in _pool().map(adapt, np.array_split(rows, threads), np.array_split(slots, threads)):
        pass


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="adapters")


@intrinsic  # type: ignore[untyped-decorator]
def _pointer(_: Any, address: Any) -> Any:
    """A float32 pointer of an address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float32)(types.int64), codegen


@_outer
def _adapt(
    y: Floats,
    x: Floats,
    rows: Integers,
    slots: Integers,
    addresses: Integers,
    ranks: Integers,
    bounds: Integers,
    scaled: NDArray[np.bool_],
    gains: Floats,
) -> None:
    width, parts = x.shape[1], ranks.shape[1]
    wide, total = np.empty((4, width), np.float64), np.empty((4, _COLUMNS), np.float64)
    at = 0
    while at < len(rows):
        slot = slots[at]
        together = 4 if at + 4 <= len(rows) and slots[at + 3] == slot else 1
        rank = size = 0
        for part in range(parts):
            rank += ranks[slot, part]
            size += ranks[slot, part] * (width + bounds[part + 1] - bounds[part])
        flat, low = carray(_pointer(addresses[slot]), (size,)), np.empty((together, rank), np.float64)
        for place in range(together):
            for k in range(width):
                wide[place, k] = x[rows[at + place], k]
        if together == 4:
            lower_four(wide[0], wide[1], wide[2], wide[3], flat, low)
        else:
            lower(wide[0], flat, low[0])
        start, done = rank * width, 0
        for part in range(parts):
            columns, own = bounds[part + 1] - bounds[part], ranks[slot, part]
            for column in range(0, columns, _COLUMNS):
                count = min(_COLUMNS, columns - column)
                left = bounds[part] + column
                part_low, t0, t1, t2, t3 = low[:, done : done + own], total[0], total[1], total[2], total[3]
                if together == 4:
                    raise_four(part_low, flat, start + column, columns, t0[:count], t1[:count], t2[:count], t3[:count])
                else:
                    raise_row(part_low[0], flat, start + column, columns, t0[:count])
                for place in range(together):
                    row = rows[at + place]
                    if scaled[slot]:
                        scale_add(y[row, left : left + count], gains[slot, left : left + count], total[place])
                    elif own:
                        add(y[row, left : left + count], total[place])
            start += own * columns
            done += own
        at += together
