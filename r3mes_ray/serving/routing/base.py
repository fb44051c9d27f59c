"""The port of the router: which expert answers a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from r3mes_ray.serving.embedding import Vector

How: TypeAlias = Literal["keyword", "similarity", "fusion", "requested", "fallback"]
"""What decided: one of the signals, both, the client, or nothing (then the base model answers)."""


@dataclass(frozen=True, slots=True)
class ExpertProfile:
    """What an expert says of itself: the file behind its `description_cid`."""

    name: str
    description: str
    keywords: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpertScore:
    """How well one expert fits; `keyword` in [0, 1), `similarity` the best cosine, `score` what they were fused to."""

    expert: str
    score: float
    keyword: float
    similarity: float


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """The expert that answers, `None` for the base model, and all experts' scores, best first."""

    expert: str | None
    how: How
    scores: tuple[ExpertScore, ...]


class Router(Protocol):
    """Chooses an expert for a question.

    `route` is a pure function of the question, its vector and the profiles that the router was made with; it raises
    nothing for any text, and costs no more than a few inner products for each expert.
    """

    def route(self, question: str, vector: Vector) -> RouteDecision:
        """Score all experts; `vector` is the question's, of the embedder that the router was made with."""
        ...


def requested(expert: str | None) -> RouteDecision:
    """The decision that a client made by naming a model."""
    return RouteDecision(expert, "requested", ())
