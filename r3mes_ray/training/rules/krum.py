"""Krum and multi-Krum. Source: Blanchard et al., "Machine learning with adversaries" (NeurIPS 2017).

The original's score: the sum of squared distances to the n − f − 2 nearest others. byzfl takes the mean over n − f − 1.
"""

from __future__ import annotations

import math

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.geometry import Matrix, matrix_of, nearest, squared_distances
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import shares_of


def largest_faults(n: int) -> int:
    """2f + 2 < n."""
    return (n - 3) // 2


def krum(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Take the one update whose neighbours are nearest."""
    return _select(given, parameters, 1)


def multi_krum(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Average the `keep` updates of lowest score by weight, N − f by default and at most."""
    most = len(given.weights) - (parameters.faults or 0)
    return _select(given, parameters, min(most, parameters.keep or most))


def scores(gram: Matrix, neighbours: int) -> tuple[float, ...]:
    """Sum of squared distances from each update to its nearest others."""
    found = []
    for index, row in enumerate(squared_distances(gram)):
        others = sorted(value for other, value in enumerate(row) if other != index)
        found.append(math.fsum(others[:neighbours]))
    return tuple(found)


def _select(given: RuleInput, parameters: RuleParameters, keep: int) -> Decision:
    neighbours = len(given.weights) - (parameters.faults or 0) - 2
    found = scores(matrix_of(given.gram()), neighbours)
    evidence = tuple(Evidence(index, "score", value) for index, value in enumerate(found))
    return Decision(shares_of(given, parameters, nearest(found, keep)), evidence)
