"""The outer step: how far an expert goes along what a round's rule says, and what it keeps of its steps before.

With x₀ the start version, Δ = Σ cᵢ(xᵢ − x₀), the outer learning rate η and the momentum μ:

- heavy ball (Polyak, 1964): x₁ = x₀ + ηΔ + μ(x₀ − x₋₁);
- Nesterov, as in DiLoCo (Douillard et al., 2023) and `torch.optim.SGD(nesterov=True)`: the velocity is vₜ = μvₜ₋₁ + Δₜ,
  the step xₜ − xₜ₋₁ = η(Δₜ + μvₜ) = η((1 + μ)vₜ − μvₜ₋₁). With q = μ/(1 + μ) that gives the velocity as a series
  over past steps, ηvₜ = 1/(1 + μ) Σ qʲ(xₜ₋ⱼ − xₜ₋ⱼ₋₁), and x₁ = x₀ + η(1 + μ)Δ + μq Σ qʲ(x₋ⱼ − x₋ⱼ₋₁).

Neither needs another state than the expert's versions, which everybody can fetch. The series ends after `STEPS`; what
is left of it moves x₁ by less than q^STEPS (q < 1/2) of the longest step before. A round's μ holds for its whole
series, whatever past rounds had, and past steps are the published ones: what their rank left out is not in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul

from r3mes_ray.training.round import RoundPlan

STEPS = 8
"""Past steps of Nesterov's series: 0.3 % of the longest is left of it at μ = 0.9."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """x₁ as an affine combination of the updates, the start version and those before it: all sum to 1.

    Attributes:
        previous: of x₋₁, x₋₂, … in this order.
    """

    updates: tuple[float, ...]
    start: float
    previous: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class OuterStep:
    """x₁ = x₀ + scale·Δ + Σ previousⱼ(x₋ⱼ − x₀); without a word x₁ is what the rule says."""

    scale: float = 1.0
    previous: tuple[float, ...] = ()

    def mixture(self, coefficients: Sequence[float]) -> Mixture:
        """The combination that a rule's coefficients c lead to; they need not sum to 1."""
        updates = tuple(self.scale * c for c in coefficients)
        return Mixture(updates, 1.0 - math.fsum(updates) - math.fsum(self.previous), self.previous)


def outer_step(plan: RoundPlan) -> OuterStep:
    """The round's step; there is nothing to keep before an expert has had a step."""
    parameters, steps = plan.parameters, plan.record.start_version
    rate, momentum = parameters.outer_learning_rate or 1.0, parameters.outer_momentum or 0.0
    if not momentum:
        return OuterStep(rate)
    if parameters.outer_method == "nesterov":
        return OuterStep(rate * (1.0 + momentum), nesterov_series(momentum, min(steps, STEPS)))
    return OuterStep(rate, (-momentum,) if steps else ())


def nesterov_series(momentum: float, steps: int) -> tuple[float, ...]:
    """Coefficients of x₋₁ … x₋ₙ in μq Σ qʲ(x₋ⱼ − x₋ⱼ₋₁), j < n; that of x₀ makes their sum 0."""
    ratio = momentum / (1.0 + momentum)
    # Products, since a power may have other last bits on another machine.
    weights = list(accumulate([momentum * ratio] + [ratio] * (steps - 1), mul)) if steps else []
    return tuple(later - earlier for earlier, later in pairwise([*weights, 0.0]))
