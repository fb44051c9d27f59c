"""What updates count by weight: shares that are capped, and for a rule that bears liars level enough to bear them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from r3mes_ray.training.rules.base import RuleInput
from r3mes_ray.training.rules.parameters import RuleParameters


def shares_of(given: RuleInput, parameters: RuleParameters, chosen: Sequence[int]) -> tuple[float, ...]:
    """Levelled shares of the chosen updates by weight; 0 for the others."""
    shares = levelled_shares([given.weights[index] for index in chosen], parameters.weight_cap, parameters.faults or 0)
    placed = dict(zip(chosen, shares, strict=True))
    return tuple(placed.get(index, 0.0) for index in range(len(given.weights)))


def largest_share(n: int, faults: int) -> float:
    """What f of n updates may have together, whoever they are: halfway from f/n to one half, and f/n above it."""
    equal = faults / n
    return max(equal, (equal + 0.5) / 2)


def levelled_shares(weights: Sequence[float], cap: int, faults: int) -> tuple[float, ...]:
    """Capped shares, mixed with equal ones as far as it takes for the f largest to have `largest_share` at most.

    So f liars with the largest weights stay below one half wherever f of n equal updates are.

    Raises:
        ValueError: no weight, or one that is negative or not finite.
    """
    shares, n = capped_shares(weights, cap), len(weights)
    together, limit = math.fsum(sorted(shares, reverse=True)[:faults]), largest_share(n, faults)
    if together <= limit:
        return shares
    level = (together - limit) / (together - faults / n)
    return tuple((1.0 - level) * share + level / n for share in shares)


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
