"""Minimum-diameter averaging (MDA).

Source: El Mhamdi et al., "Genuinely distributed Byzantine machine learning" (2020), after Rousseeuw, "Multivariate
estimation with high breakdown point" (1985).
"""

from __future__ import annotations

import math
from itertools import combinations

from r3mes_ray.errors import InvalidAggregate
from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.geometry import Matrix, matrix_of, squared_distances
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import shares_of

MAX_SUBSETS = 200_000
"""The search is over all subsets: a second or so at this size."""


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def minimum_diameter(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Average the N − f updates whose largest distance is least; of equal sets, the first.

    Raises:
        InvalidAggregate: there are too many subsets to search, for anyone.
    """
    n, faults = len(given.weights), parameters.faults or 0
    subsets = math.comb(n, faults)
    if subsets > MAX_SUBSETS:
        found = f"{n} updates with {faults} liars have {subsets} subsets"
        raise InvalidAggregate(f"mda: {found}, at most {MAX_SUBSETS} are searched")
    squares = squared_distances(matrix_of(given.gram()))
    best = min(combinations(range(n), n - faults), key=lambda subset: _diameter(squares, subset))
    evidence = (Evidence(best[0], "diameter", math.sqrt(_diameter(squares, best))),)
    return Decision(shares_of(given, parameters, best), evidence)


def _diameter(squares: Matrix, subset: tuple[int, ...]) -> float:
    return max((squares[i][j] for i, j in combinations(subset, 2)), default=0.0)
