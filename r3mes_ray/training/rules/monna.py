"""MoNNA, nearest-neighbour averaging.

Source: Farhadkhani et al., "Robust collaborative learning with linear gradient overhead" (2023). There each node
averages what is nearest to its own vector; a proposer has none, so the pivot is x₀, which no miner chooses.
"""

from __future__ import annotations

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.geometry import matrix_of, nearest, norms
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import shares_of


def largest_faults(n: int) -> int:
    """F < n / 2."""
    return (n - 1) // 2


def monna(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Average the N − f updates nearest to the start version."""
    lengths = norms(matrix_of(given.gram()))
    kept = nearest(lengths, len(lengths) - (parameters.faults or 0))
    evidence = tuple(Evidence(index, "norm", value) for index, value in enumerate(lengths))
    return Decision(shares_of(given, parameters, kept), evidence)
