"""Weighted mean: the identity among the rules, with breakdown point 0 (one liar moves it by his weight)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.parameters import RuleParameters


def mean(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Average the steps by weight, no update above `weight_cap` equal shares."""
    shares = capped_shares(given.weights, parameters.weight_cap)
    evidence = tuple(Evidence(index, "share", share) for index, share in enumerate(shares))
    return Decision(shares, evidence)


def largest_faults(n: int) -> int:
    """None: one liar is enough."""
    return 0


def shares_of(given: RuleInput, parameters: RuleParameters, chosen: Sequence[int]) -> tuple[float, ...]:
    """Capped shares of the chosen updates by weight; 0 for the others."""
    shares = capped_shares([given.weights[index] for index in chosen], parameters.weight_cap)
    placed = dict(zip(chosen, shares, strict=True))
    return tuple(placed.get(index, 0.0) for index in range(len(given.weights)))


def capped_shares(weights: Sequence[float], cap: int) -> tuple[float, ...]:
    """Shares that sum to 1, proportional to the weights, none above cap/N; all-zero weights give equal shares.

    What the cap takes away goes to the others in proportion, or in equal parts where the others weigh nothing.

    Raises:
        ValueError: no weight, or one that is negative or not finite.
    """
    if not weights or not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"weights must be finite and not negative, got {list(weights)!r}")
    highest = min(1.0, cap / len(weights))
    capped: set[int] = set()
    while True:
        free = [index for index in range(len(weights)) if index not in capped]
        left = 1.0 - highest * len(capped)
        total = math.fsum(weights[index] for index in free)
        shares = {index: left * (weights[index] / total if total else 1 / len(free)) for index in free}
        over = {index for index, share in shares.items() if share > highest * (1 + 1e-12)}
        if not over:
            return tuple(shares.get(index, highest) for index in range(len(weights)))
        capped |= over
