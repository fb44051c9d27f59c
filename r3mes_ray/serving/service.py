"""The gateway's work without Ray: the pipeline, measured, with what the parts say of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar

from r3mes_ray.errors import R3mesError
from r3mes_ray.serving.metrics import ServingMetrics
from r3mes_ray.serving.pipeline import Pipeline
from r3mes_ray.serving.records import AnswerEnd, AnswerEvent, ChatRequest, Part, ServedExpert
from r3mes_ray.serving.reports import EngineReport, KnowledgeReport

T = TypeVar("T")

ASK_TIMEOUT_S = 3.0
"""Longest wait for a part that is asked about itself."""


class Parts(Protocol):
    """Asks the parts about themselves; both may raise errors of the tree."""

    async def knowledge(self) -> KnowledgeReport:
        """Index, chain and experts."""
        ...

    async def engines(self) -> Sequence[EngineReport]:
        """One report of each engine replica."""
        ...


class GatewayService:
    """`api.Service` over a pipeline and the parts."""

    def __init__(self, pipeline: Pipeline, parts: Parts) -> None:
        self._pipeline, self._parts = pipeline, parts
        self._metrics = ServingMetrics()

    async def answer(self, request: ChatRequest) -> AsyncGenerator[AnswerEvent, None]:
        """Answer piece by piece, and count how it ended."""
        outcome = "cancelled"
        try:
            async with aclosing(self._pipeline.answer(request)) as events:
                async for event in events:
                    if isinstance(event, AnswerEnd):
                        self._metrics.finished(event)
                        outcome = ""
                    yield event
        except R3mesError as error:
            outcome = type(error).__name__
            raise
        finally:
            if outcome:
                self._metrics.failed(outcome)

    async def experts(self) -> Sequence[ServedExpert]:
        """The experts that are served."""
        return (await self._parts.knowledge()).experts

    async def parts(self) -> Sequence[Part]:
        """Engine, index and chain."""
        knowledge, engines = await asyncio.gather(_asked(self._parts.knowledge), _asked(self._parts.engines))
        about = knowledge.parts if isinstance(knowledge, KnowledgeReport) else (_silent("knowledge", knowledge),)
        return (_engine_part(engines), *about)

    async def metrics(self) -> bytes:
        """Everything that is measured; a part that does not answer is shown as down."""
        knowledge, engines = await asyncio.gather(_asked(self._parts.knowledge), _asked(self._parts.engines))
        report = knowledge if isinstance(knowledge, KnowledgeReport) else None
        about = report.parts if report is not None else (_silent("knowledge", str(knowledge)),)
        reports = () if isinstance(engines, str) else engines
        return self._metrics.render((_engine_part(engines), *about), report.experts if report else (), reports)


async def _asked(ask: Callable[[], Awaitable[T]]) -> T | str:
    """A part's answer, or why there is none."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            return await ask()
    except R3mesError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {ASK_TIMEOUT_S:g} s"


def _silent(name: str, reason: str) -> Part:
    return Part(name, ok=False, required=True, detail=reason)


def _engine_part(reports: Sequence[EngineReport] | str) -> Part:
    if isinstance(reports, str):
        return _silent("engine", reports)
    alive = sum(report.engine.alive for report in reports)
    return Part("engine", ok=alive > 0, required=True, detail=f"{alive} of {len(reports)} replicas answer")
