"""One answer: consult (route and retrieve), then generate; each stage has its time, its end tells how it came about.

The stages are async callables, so the pipeline runs without Ray; on Ray they are handles' methods.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from r3mes_ray.errors import DeadlineExceeded, ServingUnavailable
from r3mes_ray.serving.inference.base import Piece
from r3mes_ray.serving.prompt import question_of
from r3mes_ray.serving.records import (
    AnswerEnd,
    AnswerEvent,
    AnswerRecord,
    AnswerText,
    Begun,
    ChatRequest,
    Citation,
    Consultation,
    EngineEvent,
    EngineRequest,
    Inquiry,
    Route,
    Timings,
)
from r3mes_ray.types import model_version

Consult: TypeAlias = Callable[[Inquiry], Awaitable[Consultation]]
Generate: TypeAlias = Callable[[EngineRequest], AsyncGenerator[EngineEvent, None]]

CONSULT_TIMEOUT_S = 10.0
"""Longest time for routing and retrieval; both take milliseconds once their parts are loaded."""
_GRACE_S = 1.0


class Pipeline:
    """Answers one request at a time for many callers; it keeps nothing between them."""

    def __init__(self, consult: Consult, generate: Generate, *, timeout_s: float, clock: Callable[[], float]) -> None:
        self._consult, self._generate = consult, generate
        self._timeout_s, self._clock = timeout_s, clock

    async def answer(self, request: ChatRequest) -> AsyncGenerator[AnswerEvent, None]:
        """Answer piece by piece; closing the iterator cancels the generation.

        Raises:
            ExpertNotFound: the client named what is not served.
            DeadlineExceeded: a stage, or all together, took too long.
            QueueFull: too many wait.
        """
        started = self._clock()
        consultation = await self._consulted(request)
        left = self._timeout_s - (self._clock() - started)
        asked = EngineRequest(
            request.messages,
            consultation.passages,
            request.sampling,
            consultation.adapter,
            max(left, 0.0),
            request.choices,
            consultation.runners_up,
        )
        begun: Begun | None = None
        first_token = 0.0
        ended: dict[int, Piece] = {}
        events = self._generate(asked)
        try:
            while True:
                event = await self._next(events, started)
                if isinstance(event, Begun):
                    begun = event
                    continue
                first_token = first_token or self._clock() - started
                if event.text or event.chances:
                    yield AnswerText(event.text, event.choice, event.chances)
                if event.finish_reason is not None:
                    ended[event.choice] = event
                if len(ended) == request.choices:
                    yield _end(ended, begun, consultation, first_token, self._clock() - started)
                    return
        finally:
            await events.aclose()

    async def _consulted(self, request: ChatRequest) -> Consultation:
        limit = min(CONSULT_TIMEOUT_S, self._timeout_s)
        try:
            async with asyncio.timeout(limit):
                return await self._consult(Inquiry(question_of(request.messages), request.target))
        except TimeoutError as error:
            raise DeadlineExceeded("routing and retrieval", limit) from error

    async def _next(self, events: AsyncIterator[EngineEvent], started: float) -> EngineEvent:
        """The next event; the engine keeps the deadline itself, this one is for an engine that says nothing."""
        left = self._timeout_s + _GRACE_S - (self._clock() - started)
        try:
            async with asyncio.timeout(max(left, 0.0)):
                return await anext(events)
        except StopAsyncIteration as error:
            raise ServingUnavailable("the engine", "it ended an answer without a reason") from error
        except TimeoutError as error:
            if isinstance(error, DeadlineExceeded):
                raise
            raise DeadlineExceeded("generation", self._timeout_s) from error


def _end(
    ended: dict[int, Piece], begun: Begun | None, consultation: Consultation, first: float, total: float
) -> AnswerEnd:
    if begun is None:
        raise ServingUnavailable("the engine", "it answered without having begun")
    adapter = consultation.adapter
    record = AnswerRecord(
        model_version=begun.base if adapter is None else model_version(begun.base, adapter.expert, adapter.version),
        expert=None if adapter is None else adapter.expert,
        version=0 if adapter is None else adapter.version,
        adapter_cid=None if adapter is None else adapter.cid,
        route=Route(consultation.route.how, consultation.route.scores),
        passages=tuple(Citation(passage.document, passage.chunk, passage.score) for passage in begun.passages),
        timings=Timings(
            consultation.embed_s, consultation.route_s, consultation.retrieve_s, begun.adapter_s, first, total
        ),
    )
    reasons = tuple(reason for _, piece in sorted(ended.items()) if (reason := piece.finish_reason) is not None)
    return AnswerEnd(reasons, begun.prompt_tokens, sum(piece.tokens for piece in ended.values()), record)
