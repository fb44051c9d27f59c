"""Nearest-neighbour mixing (NNM), before a rule.

Source: Allouah et al., "Fixing by mixing: a recipe for optimal Byzantine ML under heterogeneity" (AISTATS 2023).
"""

from __future__ import annotations

from r3mes_ray.training.rules.geometry import Matrix, nearest, squared_distances


def nearest_neighbour_mixing(gram: Matrix, faults: int) -> Matrix:
    """Rows that replace each update by the mean of its N − f nearest, itself included."""
    n = len(gram)
    share = 1.0 / (n - faults)
    rows = []
    for distances in squared_distances(gram):
        chosen = set(nearest(distances, n - faults))
        rows.append(tuple(share if index in chosen else 0.0 for index in range(n)))
    return tuple(rows)
