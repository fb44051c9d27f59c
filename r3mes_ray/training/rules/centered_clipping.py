"""Centered clipping. Source: Karimireddy, He, Jaggi, "Learning from history for Byzantine robust optimization" (2021).

Started at x₀. The radius is fixed by the round, or the median distance in each step.
"""

from __future__ import annotations

import math

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.geometry import distances_from, matrix_of, median
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import levelled_shares

ITERATIONS = 3


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def centered_clipping(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Move from x₀ by the mean of what is clipped to the radius; so one liar moves it by share × radius a step."""
    gram = matrix_of(given.gram())
    shares = levelled_shares(given.weights, parameters.weight_cap, parameters.faults or 0)
    point = (0.0,) * len(shares)
    factors: tuple[float, ...] = (1.0,) * len(shares)
    for _ in range(parameters.iterations or ITERATIONS):
        distances = distances_from(gram, point)
        radius = parameters.radius or median(distances)
        factors = tuple(1.0 if distance <= radius else radius / distance for distance in distances)
        pulls = [share * factor for share, factor in zip(shares, factors, strict=True)]
        rest = 1.0 - math.fsum(pulls)
        point = tuple(rest * old + pull for old, pull in zip(point, pulls, strict=True))
    return Decision(point, tuple(Evidence(index, "factor", value) for index, value in enumerate(factors)))
