"""Fusion of keyword rules and similarity into one score, with abstention."""

from __future__ import annotations

from collections.abc import Sequence

from r3mes_ray.serving.embedding import Embedder, Vector
from r3mes_ray.serving.routing.base import ExpertProfile, ExpertScore, How, RouteDecision
from r3mes_ray.serving.routing.keywords import KeywordRules
from r3mes_ray.serving.routing.similarity import ProfileSimilarity


class FusionRouter:
    """The router: keyword rules, embedding similarity, and their weighted sum.

    Where no expert's keyword occurs the similarity decides alone, undamped. Equal scores go to the name that sorts
    first, so that a decision never depends on the order of the experts.
    """

    def __init__(
        self, profiles: Sequence[ExpertProfile], embedder: Embedder, *, keyword_weight: float, min_score: float
    ) -> None:
        self._keywords = KeywordRules(profiles)
        self._similarity = ProfileSimilarity(profiles, embedder)
        self._keyword_weight = keyword_weight
        self._min_score = min_score

    def route(self, question: str, vector: Vector) -> RouteDecision:
        """Choose the best expert, or the base model when none reaches the least score."""
        scores = fuse(self._keywords.scores(question), self._similarity.scores(vector), self._keyword_weight)
        if not scores or scores[0].score < self._min_score:
            return RouteDecision(None, "fallback", scores)
        return RouteDecision(scores[0].expert, _decided_by(scores[0]), scores)


def fuse(keyword: dict[str, float], similarity: dict[str, float], keyword_weight: float) -> tuple[ExpertScore, ...]:
    """Weighted sum for each expert, best first; both arguments have the same names."""
    weight = keyword_weight if any(value > 0.0 for value in keyword.values()) else 0.0
    scores = [
        ExpertScore(name, weight * keyword[name] + (1.0 - weight) * similarity[name], keyword[name], similarity[name])
        for name in keyword
    ]
    return tuple(sorted(scores, key=lambda score: (-score.score, score.expert)))


def _decided_by(best: ExpertScore) -> How:
    if best.keyword <= 0.0:
        return "similarity"
    return "fusion" if best.similarity > 0.0 else "keyword"
