"""Small dense steps of the truncation in a fixed order: a start block, Cholesky orthonormalisation, Jacobi.

Matrices are numpy float64 with few rows; every line is one elementwise operation on whole rows.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

DROP = 1e-13
"""Share of the largest squared norm below which a direction is rounding noise, and becomes a row of zeros."""
SWEEPS = 30
"""Jacobi ends after so many sweeps; 6 to 9 are enough in practice."""
CONVERGED = 1e-15


def start_block(count: int, size: int) -> Matrix:
    """(count, size) numbers in [−1, 1) from SHA-256: no library's generator decides about a round."""
    need = count * size * 2
    digests = (hashlib.sha256(b"r3mes/exact/v1" + index.to_bytes(8, "big")).digest() for index in range(-(-need // 32)))
    numbers = np.frombuffer(b"".join(digests)[:need], "<i2").astype(np.float64)
    return np.ascontiguousarray((numbers / 32768.0).reshape(size, count).T)


def orthonormalise(gram: Matrix, *blocks: Matrix) -> tuple[Matrix, ...]:
    """Turn rows whose inner products are `gram` (p, p) into orthonormal ones, and apply the same to each block (p, n).

    Cholesky without pivoting; a row that depends on those before it becomes zero.
    """
    left, done = gram.copy(), tuple(block.copy() for block in blocks)
    lowest = DROP * max(0.0, float(left.diagonal().max()))
    for i in range(left.shape[0]):
        pivot = left[i, i]
        if not pivot > lowest:
            for block in done:
                block[i] = 0.0
            continue
        root = np.sqrt(pivot)
        factors = left[i, i + 1 :] / root
        for block in done:
            block[i] = block[i] / root
            block[i + 1 :] -= factors[:, None] * block[i]
        left[i + 1 :, i + 1 :] -= factors[:, None] * factors
    return done


def eigen(symmetric: Matrix) -> tuple[Matrix, Matrix]:
    """Eigenvalues (descending, equal ones by index) and eigenvectors as rows, by Jacobi rotations in round-robin order.

    Source: Brent and Luk, "The solution of singular-value and symmetric eigenvalue problems on multiprocessor arrays"
    (1985): each round rotates disjoint pairs, so it is one operation on whole rows.
    """
    size = symmetric.shape[0]
    matrix = (symmetric + symmetric.T) * 0.5
    vectors = np.eye(size)
    for _ in range(SWEEPS):
        off = matrix.copy()
        np.fill_diagonal(off, 0.0)
        if size < 2 or np.abs(off).max() <= CONVERGED * np.abs(matrix.diagonal()).max():
            break
        for first, second in _rounds(size):
            cosine, sine = _rotation(matrix, first, second)
            _rotate(matrix, first, second, cosine, sine)
            _rotate(matrix.T, first, second, cosine, sine)
            _rotate(vectors, first, second, cosine, sine)
    values = matrix.diagonal().copy()
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[order]


def _rotation(matrix: Matrix, first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Cosines and sines that make the entries (first, second) zero, as columns."""
    entry = matrix[first, second]
    safe = np.where(entry == 0.0, 1.0, entry)
    with np.errstate(over="ignore"):
        ratio = (matrix[second, second] - matrix[first, first]) / (safe + safe)
        tangent = np.where(ratio >= 0.0, 1.0, -1.0) / (np.abs(ratio) + np.sqrt(1.0 + ratio * ratio))
    tangent = np.where(entry == 0.0, 0.0, tangent)
    cosine = 1.0 / np.sqrt(1.0 + tangent * tangent)
    return cosine[:, None], (tangent * cosine)[:, None]


def _rotate(rows: Matrix, first: NDArray[np.int64], second: NDArray[np.int64], cosine: Matrix, sine: Matrix) -> None:
    upper, lower = rows[first], rows[second]
    rows[first] = cosine * upper - sine * lower
    rows[second] = sine * upper + cosine * lower


def _rounds(size: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every pair of indices once, in rounds of disjoint pairs: the circle method, with a bye where `size` is odd."""
    circle = list(range(size + size % 2))
    half = len(circle) // 2
    rounds = []
    for _ in range(len(circle) - 1):
        pairs = [sorted(pair) for pair in zip(circle[:half], circle[::-1][:half], strict=True)]
        kept = sorted(pair for pair in pairs if pair[1] < size)
        rounds.append((np.array([i for i, _ in kept]), np.array([j for _, j in kept])))
        circle = [circle[0], circle[-1], *circle[1:-1]]
    return rounds
