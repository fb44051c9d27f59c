"""Mean of updates that are clipped to the median norm.

Templar does it for each block of a gradient; here it is for the whole update. A liar's influence is bounded by his
share of the median norm; the direction is his.
"""

from __future__ import annotations

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.geometry import matrix_of, median, norms
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import levelled_shares


def largest_faults(n: int) -> int:
    """F < n / 2, else the median norm is a liar's."""
    return (n - 1) // 2


def median_norm(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Average by weight after scaling down every step that is longer than the median."""
    lengths = norms(matrix_of(given.gram()))
    limit = median(lengths)
    factors = [1.0 if length <= limit else limit / length for length in lengths]
    shares = levelled_shares(given.weights, parameters.weight_cap, parameters.faults or 0)
    evidence = tuple(Evidence(index, "factor", value) for index, value in enumerate(factors))
    return Decision(tuple(share * factor for share, factor in zip(shares, factors, strict=True)), evidence)
