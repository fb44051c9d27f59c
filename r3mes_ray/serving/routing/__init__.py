"""The router: the port in `base`, keyword rules, similarity, and their fusion."""

from __future__ import annotations

from collections.abc import Sequence

from r3mes_ray.serving.embedding import Embedder
from r3mes_ray.serving.routing.base import ExpertProfile, ExpertScore, RouteDecision, Router, requested
from r3mes_ray.serving.routing.fusion import FusionRouter
from r3mes_ray.settings import RoutingSettings

__all__ = ["ExpertProfile", "ExpertScore", "RouteDecision", "Router", "open_router", "requested"]


def open_router(settings: RoutingSettings, profiles: Sequence[ExpertProfile], embedder: Embedder) -> Router:
    """Open the router over these experts; embedding their texts takes about 20 ms each with MiniLM."""
    return FusionRouter(profiles, embedder, keyword_weight=settings.keyword_weight, min_score=settings.min_score)
