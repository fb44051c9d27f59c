"""The port of aggregation rules: what a rule is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from r3mes_ray.training.rules.parameters import RuleParameters


@dataclass(frozen=True, slots=True)
class RuleInput:
    """One round's valid updates x₁ … x_N, in the order of their ids, as steps dᵢ = xᵢ − x₀ from the start version.

    Attributes:
        weights: chain-derived, one for each update, finite and not negative.
        gram: computes ⟨dᵢ, dⱼ⟩, (N, N) float64; called by the rules that use distances, never by the others.
    """

    weights: tuple[float, ...]
    gram: Callable[[], Tensor]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A number that a rule saw about one update, for the round's report: `index` counts the updates of the input."""

    index: int
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The aggregate is x₀ + Σ cᵢ dᵢ.

    Attributes:
        coefficients: cᵢ, one for each update; 0 drops it.
        evidence: what the decision rests on.
    """

    coefficients: tuple[float, ...]
    evidence: tuple[Evidence, ...] = ()


class Rule(Protocol):
    """A pure function; the same input gives the same decision, in any process."""

    def __call__(self, given: RuleInput, parameters: RuleParameters) -> Decision:
        """Decide how much of each step enters the aggregate."""
        ...


class CoordinateRule(Protocol):
    """A pure function on each coordinate by itself, of equal updates."""

    def __call__(self, rows: Tensor, faults: int) -> Tensor:
        """Reduce the rows of (N, d), finite, to (d,); `faults` is f."""
        ...
