"""Weighted mean: the identity among the rules, with breakdown point 0 (one liar moves it by his weight)."""

from __future__ import annotations

from r3mes_ray.training.rules.base import Decision, Evidence, RuleInput
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.training.rules.shares import capped_shares


def mean(given: RuleInput, parameters: RuleParameters) -> Decision:
    """Average the steps by weight, no update above `weight_cap` equal shares."""
    shares = capped_shares(given.weights, parameters.weight_cap)
    evidence = tuple(Evidence(index, "share", share) for index, share in enumerate(shares))
    return Decision(shares, evidence)


def largest_faults(n: int) -> int:
    """None: one liar is enough."""
    return 0
