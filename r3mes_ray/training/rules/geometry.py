"""Distances between steps and their combinations, from inner products alone.

Python floats and `math.fsum`, which rounds once: a decision has the same bits on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Matrix = tuple[tuple[float, ...], ...]


def matrix_of(gram: Tensor) -> Matrix:
    """The entries of ⟨dᵢ, dⱼ⟩ as floats."""
    return tuple(tuple(row) for row in gram.tolist())


def norms(gram: Matrix) -> tuple[float, ...]:
    """‖dᵢ‖."""
    return tuple(math.sqrt(max(0.0, row[index])) for index, row in enumerate(gram))


def squared_distances(gram: Matrix) -> Matrix:
    """‖dᵢ − dⱼ‖²; rounding below zero counts as 0."""
    return tuple(
        tuple(max(0.0, math.fsum((gram[i][i], gram[j][j], -entry, -entry))) for j, entry in enumerate(row))
        for i, row in enumerate(gram)
    )


def distances_from(gram: Matrix, coefficients: Sequence[float]) -> tuple[float, ...]:
    """‖dᵢ − z‖ of each step from the point z = Σ cⱼ dⱼ."""
    along = [math.fsum(c * entry for c, entry in zip(coefficients, row, strict=True)) for row in gram]
    own = math.fsum(c * entry for c, entry in zip(coefficients, along, strict=True))
    found = (math.fsum((gram[i][i], own, -entry, -entry)) for i, entry in enumerate(along))
    return tuple(math.sqrt(max(0.0, value)) for value in found)


def nearest(distances: Sequence[float], count: int) -> tuple[int, ...]:
    """Indices of the smallest `count` values, the first of equal ones; ascending."""
    order = sorted(range(len(distances)), key=lambda index: (distances[index], index))
    return tuple(sorted(order[:count]))


def median(values: Sequence[float]) -> float:
    """The middle value, or halfway between the two."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def mixed(gram: Matrix, rows: Sequence[Sequence[float]]) -> Tensor:
    """Inner products of the combinations yᵢ = Σ rowsᵢⱼ dⱼ."""
    along = [[math.fsum(c * e for c, e in zip(row, column, strict=True) if c) for column in gram] for row in rows]
    product = [[math.fsum(c * e for c, e in zip(row, own, strict=True) if c) for row in rows] for own in along]
    return torch.tensor(product, dtype=torch.float64)
