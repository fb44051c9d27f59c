"""The HTTP surface as a FastAPI application over a `Service`; it runs and is tested without Ray."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from r3mes_ray.errors import ExpertNotFound, R3mesError
from r3mes_ray.serving.openai.errors import Fault, error_body, fault_of
from r3mes_ray.serving.openai.requests import ChatCompletionRequest, parse_chat
from r3mes_ray.serving.openai.responses import ChatCompletion, Model, ModelList, completion, models
from r3mes_ray.serving.openai.stream import stream_chunks
from r3mes_ray.serving.records import AnswerEnd, AnswerEvent, AnswerText, ChatRequest, Part, ServedExpert

MAX_BODY_BYTES = 4 * 2**20
"""A larger request is refused with 413 before it is parsed."""
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Service(Protocol):
    """What the surface needs of the serving half."""

    def answer(self, request: ChatRequest) -> AsyncGenerator[AnswerEvent, None]:
        """Answer piece by piece; closing it cancels the generation. Raises errors of the tree only."""
        ...

    async def experts(self) -> Sequence[ServedExpert]:
        """The experts that can be asked for, by name."""
        ...

    async def parts(self) -> Sequence[Part]:
        """The parts of the serving half; it is ready when all required ones are ok."""
        ...

    async def metrics(self) -> bytes:
        """All metrics in Prometheus' text format."""
        ...


def create_api(service: Service, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """Make the application.

    Args:
        service: answers, lists and measures.
        clock: Unix time, for `created`.
    """
    api = FastAPI(title="R3MES", docs_url=None, redoc_url=None)
    started = int(clock())
    api.add_exception_handler(R3mesError, _on_error)
    api.add_exception_handler(HTTPException, _on_http_error)

    @api.post("/v1/chat/completions", response_model=None)
    async def chat_completions(request: Request) -> Response:
        body = parse_chat(await _body(request))
        events = service.answer(body.chat())
        answer_id, created = f"chatcmpl-{uuid.uuid4().hex}", int(clock())
        if not body.stream:
            return JSONResponse((await _whole(events, answer_id, created, body)).model_dump(mode="json"))
        # The first event is awaited here, so that a refused request gets its status and not a broken stream.
        first = await anext(events)
        stream = stream_chunks(first, events, answer_id, created, body)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    @api.get("/v1/models")
    async def list_models() -> ModelList:
        return models(await service.experts(), started)

    @api.get("/v1/models/{model_id:path}")
    async def one_model(model_id: str) -> Model:
        for model in models(await service.experts(), started).data:
            if model.id == model_id:
                return model
        raise ExpertNotFound(model_id)

    @api.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @api.get("/ready")
    async def ready() -> JSONResponse:
        parts = await service.parts()
        is_ready = all(part.ok for part in parts if part.required)
        body = {"ready": is_ready, "parts": [dataclasses.asdict(part) for part in parts]}
        return JSONResponse(body, status_code=200 if is_ready else 503)

    @api.get("/metrics")
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(await service.metrics(), media_type=METRICS_TYPE)

    return api


async def _body(request: Request) -> bytes:
    """Read the body, at most `MAX_BODY_BYTES` of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the request's body exceeds {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _whole(
    events: AsyncGenerator[AnswerEvent, None], answer_id: str, created: int, body: ChatCompletionRequest
) -> ChatCompletion:
    pieces: list[AnswerText] = []
    end: AnswerEnd | None = None
    try:
        async for event in events:
            if isinstance(event, AnswerText):
                pieces.append(event)
            else:
                end = event
    finally:
        await events.aclose()
    if end is None:
        raise HTTPException(502, "the engine ended an answer without a reason")
    return completion(answer_id, created, body.model, pieces, end, logprobs=bool(body.logprobs))


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, R3mesError):
        raise error
    fault = fault_of(error)
    return JSONResponse(error_body(str(error), fault, error.hint), status_code=fault.status, headers=fault.headers)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    """404, 405 and 413 in the same shape."""
    if not isinstance(error, HTTPException):
        raise error
    kind = "invalid_request_error" if error.status_code < 500 else "server_error"
    fault = Fault(error.status_code, kind, "request_too_large" if error.status_code == 413 else "not_found")
    return JSONResponse(error_body(str(error.detail), fault), status_code=error.status_code, headers=error.headers)
