"""What is asked before an answer is generated: which expert, and which passages. The question is embedded once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.embedding import Embedder, Vector
from r3mes_ray.serving.records import Consultation, Inquiry
from r3mes_ray.serving.retrieval import Passage, Retriever
from r3mes_ray.serving.routing import ExpertProfile, RouteDecision, Router, open_router, requested
from r3mes_ray.serving.target import Auto, Base, Named
from r3mes_ray.settings import RoutingSettings
from r3mes_ray.types import AdapterId


class Knowledge:
    """Router, retriever and the version table, over one embedder.

    Args:
        retriever: `None` where retrieval is switched off.
    """

    def __init__(
        self, embedder: Embedder, retriever: Retriever | None, table: VersionTable, settings: RoutingSettings
    ) -> None:
        self._embedder, self._retriever, self._table, self._settings = embedder, retriever, table, settings
        self._router: Router = open_router(settings, (), embedder)

    async def learn(self, profiles: Sequence[ExpertProfile]) -> None:
        """Route over these experts from the next question on."""
        self._router = await asyncio.to_thread(open_router, self._settings, tuple(profiles), self._embedder)

    async def consult(self, inquiry: Inquiry) -> Consultation:
        """Route a question and find its passages.

        Raises:
            ExpertNotFound: the client named what is not served.
        """
        fixed = self._fixed(inquiry)
        if fixed is not None and self._retriever is None:
            return Consultation(fixed[0], fixed[1], (), 0.0, 0.0, 0.0)
        return await asyncio.to_thread(self._think, inquiry.question, fixed)

    def _fixed(self, inquiry: Inquiry) -> tuple[RouteDecision, AdapterId | None] | None:
        """What the client decided; `None` leaves it to the router."""
        match inquiry.target:
            case Auto():
                return None
            case Base():
                return requested(None), None
            case Named(expert, version):
                return requested(expert), self._table.resolve(expert, version)

    def _think(self, question: str, fixed: tuple[RouteDecision, AdapterId | None] | None) -> Consultation:
        started = time.perf_counter()
        vector = self._embedder.embed([question])[0]
        embedded = time.perf_counter()
        route, adapter = fixed or self._route(question, vector)
        runners_up = self._runners_up(route)
        routed = time.perf_counter()
        passages: tuple[Passage, ...] = () if self._retriever is None else self._retriever.retrieve(vector)
        ended = time.perf_counter()
        return Consultation(route, adapter, passages, embedded - started, routed - embedded, ended - routed, runners_up)

    def _runners_up(self, route: RouteDecision) -> tuple[AdapterId, ...]:
        """The second choice, where it is still served."""
        others = [score.expert for score in route.scores if score.expert != route.expert][:1]
        known = [served for name in others if (served := self._table.known(name)) is not None]
        return tuple(served.current for served in known)

    def _route(self, question: str, vector: Vector) -> tuple[RouteDecision, AdapterId | None]:
        decision = self._router.route(question, vector)
        return decision, None if decision.expert is None else self._table.resolve(decision.expert)
