"""A rule after its pre-aggregation: the rule sees mixed updates, and its coefficients are turned back."""

from __future__ import annotations

import math
from dataclasses import replace

from r3mes_ray.training.rules.adaptive_clipping import adaptive_clipping
from r3mes_ray.training.rules.base import Decision, Rule, RuleInput
from r3mes_ray.training.rules.geometry import matrix_of, mixed
from r3mes_ray.training.rules.mixing import nearest_neighbour_mixing
from r3mes_ray.training.rules.parameters import RuleParameters


def decide(rule: Rule, given: RuleInput, parameters: RuleParameters) -> Decision:
    """Run a rule on yᵢ = Σ Mᵢⱼ dⱼ, where M is the round's pre-aggregation, and give its coefficients for d."""
    if parameters.before is None:
        return rule(given, parameters)
    gram = matrix_of(given.gram())
    mix = nearest_neighbour_mixing if parameters.before == "nnm" else adaptive_clipping
    rows = mix(gram, parameters.faults or 0)
    decision = rule(RuleInput(given.weights, lambda: mixed(gram, rows)), parameters)
    turned = (
        math.fsum(c * e for c, e in zip(decision.coefficients, column, strict=True))
        for column in zip(*rows, strict=True)
    )
    return replace(decision, coefficients=tuple(turned))
