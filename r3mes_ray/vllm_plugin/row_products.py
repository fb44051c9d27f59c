"""The innermost loops of the CPU's product of rows with their adapters, for one row and for four that share them.

Factors are float32, in one flat array, and are widened as they are read: of four rows together, once. Sums are float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

_Compiler = Callable[[Callable[..., Any]], Any]
_sums: _Compiler = njit(fastmath={"reassoc", "contract", "nsz"})
_contracted: _Compiler = njit(fastmath={"contract"})
_plain: _Compiler = njit


@_sums
def lower(x: Any, flat: Any, low: Any) -> None:
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


@_sums
def lower_four(x0: Any, x1: Any, x2: Any, x3: Any, flat: Any, low: Any) -> None:
    """Set low (4, rank) = A x of four rows, two rows of A at a time."""
    width, rank = len(x0), low.shape[1]
    for r in range(0, rank // 2 * 2, 2):
        a0, a1 = flat[r * width : (r + 1) * width], flat[(r + 1) * width : (r + 2) * width]
        p0 = p1 = p2 = p3 = q0 = q1 = q2 = q3 = 0.0
        for k in range(width):
            one, two = np.float64(a0[k]), np.float64(a1[k])
            p0 += x0[k] * one
            p1 += x1[k] * one
            p2 += x2[k] * one
            p3 += x3[k] * one
            q0 += x0[k] * two
            q1 += x1[k] * two
            q2 += x2[k] * two
            q3 += x3[k] * two
        low[0, r], low[1, r], low[2, r], low[3, r] = p0, p1, p2, p3
        low[0, r + 1], low[1, r + 1], low[2, r + 1], low[3, r + 1] = q0, q1, q2, q3
    if rank % 2:
        a = flat[(rank - 1) * width : rank * width]
        p0 = p1 = p2 = p3 = 0.0
        for k in range(width):
            one = np.float64(a[k])
            p0 += x0[k] * one
            p1 += x1[k] * one
            p2 += x2[k] * one
            p3 += x3[k] * one
        low[0, rank - 1], low[1, rank - 1], low[2, rank - 1], low[3, rank - 1] = p0, p1, p2, p3


@_contracted
def raise_row(low: Any, flat: Any, start: int, width: int, total: Any) -> None:
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


@_contracted
def raise_four(low: Any, flat: Any, start: int, width: int, t0: Any, t1: Any, t2: Any, t3: Any) -> None:
    """Set t0 … t3 = low B of four rows, low (4, rank), for B's columns from `start`, four rows of B at a time."""
    rank, count = low.shape[1], len(t0)
    for k in range(count):
        t0[k] = t1[k] = t2[k] = t3[k] = 0.0
    for r in range(0, rank // 4 * 4, 4):
        at = r * width + start
        b0, b1 = flat[at : at + count], flat[at + width : at + width + count]
        b2, b3 = flat[at + 2 * width : at + 2 * width + count], flat[at + 3 * width : at + 3 * width + count]
        o0, o1, o2, o3 = low[0, r], low[0, r + 1], low[0, r + 2], low[0, r + 3]
        p0, p1, p2, p3 = low[1, r], low[1, r + 1], low[1, r + 2], low[1, r + 3]
        q0, q1, q2, q3 = low[2, r], low[2, r + 1], low[2, r + 2], low[2, r + 3]
        s0, s1, s2, s3 = low[3, r], low[3, r + 1], low[3, r + 2], low[3, r + 3]
        for k in range(count):
            c0, c1, c2, c3 = np.float64(b0[k]), np.float64(b1[k]), np.float64(b2[k]), np.float64(b3[k])
            t0[k] += o0 * c0 + o1 * c1 + o2 * c2 + o3 * c3
            t1[k] += p0 * c0 + p1 * c1 + p2 * c2 + p3 * c3
            t2[k] += q0 * c0 + q1 * c1 + q2 * c2 + q3 * c3
            t3[k] += s0 * c0 + s1 * c1 + s2 * c2 + s3 * c3
    for r in range(rank // 4 * 4, rank):
        b = flat[r * width + start : r * width + start + count]
        for k in range(count):
            c = np.float64(b[k])
            t0[k] += low[0, r] * c
            t1[k] += low[1, r] * c
            t2[k] += low[2, r] * c
            t3[k] += low[3, r] * c


@_plain
def add(y: Any, total: Any) -> None:
    """Add a sum to a row of the output, rounded once."""
    for k in range(len(y)):
        y[k] += np.float32(total[k])


@_plain
def scale_add(y: Any, gain: Any, total: Any) -> None:
    """The same after the row's gains."""
    for k in range(len(y)):
        y[k] = y[k] * gain[k] + np.float32(total[k])
