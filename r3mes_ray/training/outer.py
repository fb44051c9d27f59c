"""The outer step: how far an expert goes along what a round's rule says, and what it keeps of the step before.

x₁ = x₀ + η Σ cᵢ(xᵢ − x₀) + μ (x₀ − x₋₁), with the outer learning rate η and the momentum μ of the heavy ball (Polyak,
1964). It needs no other state than the expert's versions, which everybody can fetch; the Nesterov momentum of DiLoCo
(Douillard et al., 2023) needs a velocity that no version holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from r3mes_ray.training.round import RoundPlan


@dataclass(frozen=True, slots=True)
class Mixture:
    """x₁ as an affine combination of the updates, the start version and the one before it: they sum to 1."""

    updates: tuple[float, ...]
    start: float
    previous: float


@dataclass(frozen=True, slots=True)
class OuterStep:
    """η and μ of one round; without them x₁ is what the rule says."""

    learning_rate: float = 1.0
    momentum: float = 0.0

    def mixture(self, coefficients: Sequence[float]) -> Mixture:
        """The combination that a rule's coefficients c lead to; they need not sum to 1."""
        updates = tuple(self.learning_rate * c for c in coefficients)
        return Mixture(updates, 1.0 - math.fsum(updates) + self.momentum, -self.momentum)


def outer_step(plan: RoundPlan) -> OuterStep:
    """The round's step; there is no momentum before an expert has had a step."""
    parameters = plan.parameters
    momentum = parameters.outer_momentum or 0.0
    return OuterStep(parameters.outer_learning_rate or 1.0, momentum if plan.record.start_version else 0.0)
