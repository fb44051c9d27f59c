"""Geometric median by smoothed Weiszfeld steps, weighted, started at x₀.

Source: Pillutla, Kakade, Harchaoui, "Robust aggregation for federated learning" (RFA, 2022).
"""

from __future__ import annotations

import math

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.geometry import distances_from, matrix_of, median, norms
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import levelled_shares

ITERATIONS = 32
SMOOTHING = 1e-6
"""ν as a share of the median norm: nearer updates pull with the weight of this distance."""


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def geometric_median(given: RuleInput, parameters: RuleParameters) -> Decision:
    """The point whose weighted sum of distances to the updates is least; no single one pulls harder than its weight."""
    gram = matrix_of(given.gram())
    shares = levelled_shares(given.weights, parameters.weight_cap, parameters.faults or 0)
    smoothing = SMOOTHING * median(norms(gram))
    point = weiszfeld(gram, shares, smoothing, parameters.iterations or ITERATIONS)
    distances = distances_from(gram, point)
    return Decision(point, tuple(Evidence(index, "distance", value) for index, value in enumerate(distances)))


def weiszfeld(
    gram: tuple[tuple[float, ...], ...], shares: tuple[float, ...], smoothing: float, iterations: int
) -> tuple[float, ...]:
    """Coefficients of the point after so many steps from zero; distances below `smoothing` count as that."""
    point = (0.0,) * len(shares)
    for _ in range(iterations):
        distances = [max(smoothing, distance) for distance in distances_from(gram, point)]
        if not all(distances):
            return shares
        pulls = [share / distance for share, distance in zip(shares, distances, strict=True)]
        total = math.fsum(pulls)
        point = tuple(pull / total for pull in pulls)
    return point
