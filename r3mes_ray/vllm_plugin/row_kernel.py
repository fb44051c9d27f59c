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

# llvmlite answers for any attribute of its library, `__dict__` too, and vLLM's scan of all modules dies of the answer.
ffi.lib._fntab["__dict__"] = {}

_COLUMNS = 512
"""Outputs that are summed at a time, in float64: they stay in the first-level cache."""
_SHARE = 2**20
"""Products from which another thread pays: about 100 µs of work."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
_Compiler = Callable[[Callable[..., Any]], Any]
_sums: _Compiler = njit(fastmath={"reassoc", "contract", "nsz"})
_contracted: _Compiler = njit(fastmath={"contract"})
_plain: _Compiler = njit
_outer: _Compiler = njit(nogil=True)


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
    wide, total = np.empty(width, np.float64), np.empty(_COLUMNS, np.float64)
    for at in range(len(rows)):
        row, slot = rows[at], slots[at]
        rank = size = 0
        for part in range(parts):
            rank += ranks[slot, part]
            size += ranks[slot, part] * (width + bounds[part + 1] - bounds[part])
        flat, low = carray(_pointer(addresses[slot]), (size,)), np.empty(rank, np.float64)
        for k in range(width):
            wide[k] = x[row, k]
        _lower(wide, flat, low)
        start, done = rank * width, 0
        for part in range(parts):
            columns, own = bounds[part + 1] - bounds[part], ranks[slot, part]
            for column in range(0, columns, _COLUMNS):
                count = min(_COLUMNS, columns - column)
                left = bounds[part] + column
                _raise(low[done : done + own], flat, start + column, columns, total[:count])
                if scaled[slot]:
                    _scale_add(y[row, left : left + count], gains[slot, left : left + count], total)
                elif own:
                    _add(y[row, left : left + count], total)
            start += own * columns
            done += own


@_sums
def _lower(x: Any, flat: Any, low: Any) -> None:
    """Set low = A x, four rows of A at a time."""
    width, rank = len(x), len(low)
    for r in range(0, rank // 4 * 4, 4):
        a0, a1 = flat[r * width : (r + 1) * width], flat[(r + 1) * width : (r + 2) * width]
        a2, a3 = flat[(r + 2) * width : (r + 3) * width], flat[(r + 3) * width : (r + 4) * width]
        p0 = p1 = p2 = p3 = 0.0
        for k in range(width):
            p0 += x[k] * np.float64(a0[k])
            p1 += x[k] * np.float64(a1[k])
            p2 += x[k] * np.float64(a2[k])
            p3 += x[k] * np.float64(a3[k])
        low[r], low[r + 1], low[r + 2], low[r + 3] = p0, p1, p2, p3
    for r in range(rank // 4 * 4, rank):
        a = flat[r * width : (r + 1) * width]
        p = 0.0
        for k in range(width):
            p += x[k] * np.float64(a[k])
        low[r] = p


@_contracted
def _raise(low: Any, flat: Any, start: int, width: int, total: Any) -> None:
    """Set total = low B, for B's columns from `start`, four rows of B at a time."""
    rank, count = len(low), len(total)
    for k in range(count):
        total[k] = 0.0
    for r in range(0, rank // 4 * 4, 4):
        at = r * width + start
        b0, b1 = flat[at : at + count], flat[at + width : at + width + count]
        b2, b3 = flat[at + 2 * width : at + 2 * width + count], flat[at + 3 * width : at + 3 * width + count]
        p0, p1, p2, p3 = low[r], low[r + 1], low[r + 2], low[r + 3]
        for k in range(count):
            total[k] += (
                p0 * np.float64(b0[k]) + p1 * np.float64(b1[k]) + p2 * np.float64(b2[k]) + p3 * np.float64(b3[k])
            )
    for r in range(rank // 4 * 4, rank):
        b = flat[r * width + start : r * width + start + count]
        for k in range(count):
            total[k] += low[r] * np.float64(b[k])


@_plain
def _add(y: Any, total: Any) -> None:
    for k in range(len(y)):
        y[k] += np.float32(total[k])


@_plain
def _scale_add(y: Any, gain: Any, total: Any) -> None:
    for k in range(len(y)):
        y[k] = y[k] * gain[k] + np.float32(total[k])
