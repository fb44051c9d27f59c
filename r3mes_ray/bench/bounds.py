"""How far liars can move each rule's result from the honest mean: the bounds that docs/aggregation.md states.

n updates, b of them of liars, f ≥ b what the rule was run with. Each follows from the rule's definition alone, so it
holds whatever the liars send. ρ is the largest distance of an honest step from their mean, D that between two of them,
r ≤ R the shortest and the longest; the spread is the length of the box that holds the honest steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.training.rules.geometry import distances_from, matrix_of, norms, squared_distances

SLACK = 1.01
"""For the geometric median, which is smoothed and ends after 32 steps, and for float32."""
_CLIPPING_STEPS = 3


@dataclass(frozen=True, slots=True)
class Honest:
    """The honest steps from x₀ as distances; `mean` is the length of their mean."""

    radius: float
    diameter: float
    shortest: float
    longest: float
    mean: float
    spread: float


def honest_geometry(gram: Tensor, spread: float) -> Honest:
    """From the inner products of honest steps, and their spread."""
    inner = matrix_of(gram)
    shares = [1.0 / len(inner)] * len(inner)
    lengths = norms(inner)
    mean = math.sqrt(max(0.0, sum(a * b * inner[i][j] for i, a in enumerate(shares) for j, b in enumerate(shares))))
    diameter = math.sqrt(max(max(row) for row in squared_distances(inner)))
    return Honest(max(distances_from(inner, shares)), diameter, min(lengths), max(lengths), mean, spread)


def bound(rule: str, honest: Honest, n: int, faults: int, liars: int) -> float | None:
    """Largest distance of the rule's result from the honest mean; None for the mean, which has none."""
    found = _bound(rule, honest, n, faults, liars)
    return None if found is None else SLACK * found


def _bound(rule: str, honest: Honest, n: int, f: int, b: int) -> float | None:
    left_out = (f - b) / (n - b) * honest.diameter
    match rule:
        case "krum" | "multi-krum":
            # A liar is chosen for the sum over n − f − 2 neighbours, of which at least n − f − 1 − b are honest.
            neighbours = max(1, n - f - 2)
            far = math.sqrt(neighbours / (neighbours - b + 1)) * honest.diameter if b else 0.0
            return far + honest.radius
        case "mda":
            return 2 * b / (n - f) * honest.diameter + left_out
        case "monna":
            return 2 * b / (n - f) * honest.longest + left_out
        case "geometric-median":
            return 2 * (n - b) / (n - 2 * b) * honest.radius
        case "centered-clipping":
            share = 2 * b / n
            steps = sum(share**step for step in range(_CLIPPING_STEPS))
            return 2 * honest.radius * steps + share**_CLIPPING_STEPS * honest.mean
        case "median-norm":
            shortened = (n - b) / n * (honest.longest - honest.shortest)
            return shortened + 2 * b / n * honest.longest
        case "median" | "trimmed-mean":
            return honest.spread
        case "meamed":
            return 2 * honest.spread
    return None


def distance_to_mean(gram: Tensor, honest: Sequence[int], result: int) -> float:
    """Distance of one step from the mean of others, from inner products of them all."""
    center = [1.0 / len(honest) if index in honest else 0.0 for index in range(gram.shape[0])]
    return distances_from(matrix_of(gram), center)[result]
