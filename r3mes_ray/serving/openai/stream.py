"""An answer as server-sent events: chunks of the OpenAI API, then `[DONE]`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from r3mes_ray.errors import R3mesError
from r3mes_ray.serving.openai.errors import error_body, fault_of
from r3mes_ray.serving.openai.requests import ChatCompletionRequest
from r3mes_ray.serving.openai.responses import ChatChunk, ChunkChoice, Delta, logprobs_of, record_fields, usage_of
from r3mes_ray.serving.records import AnswerEnd, AnswerEvent, AnswerText


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Makes the events of one answer."""

    id: str
    created: int
    body: ChatCompletionRequest

    def begin(self) -> list[str]:
        """Every choice's first chunk, which names the role."""
        delta = Delta(role="assistant", content="")
        return [self._event((ChunkChoice(index=index, delta=delta),)) for index in range(self.body.n or 1)]

    def text(self, event: AnswerText) -> str:
        chances = logprobs_of(event.chances) if self.body.logprobs else None
        return self._event((ChunkChoice(index=event.choice, delta=Delta(content=event.text), logprobs=chances),))

    def end(self, event: AnswerEnd) -> list[str]:
        """A chunk for each choice's finish reason, the last with the record, and one of usage where it is asked for."""
        last = len(event.finish_reasons) - 1
        chunks = []
        for index, reason in enumerate(event.finish_reasons):
            choice = ChunkChoice(index=index, delta=Delta(), finish_reason=reason)
            chunks.append(self._event((choice,), r3mes=record_fields(event.record) if index == last else None))
        if self.body.include_usage:
            chunks.append(self._event((), usage=usage_of(event)))
        return chunks

    def _event(self, choices: tuple[ChunkChoice, ...], **fields: Any) -> str:
        chunk = ChatChunk(id=self.id, created=self.created, model=self.body.model, choices=choices, **fields)
        return _sse(chunk.model_dump_json())


async def stream_chunks(
    first: AnswerEvent,
    events: AsyncGenerator[AnswerEvent, None],
    answer_id: str,
    created: int,
    body: ChatCompletionRequest,
) -> AsyncIterator[str]:
    """Server-sent events of one answer; an error after the first is sent as an event, then the stream ends."""
    chunks = _Chunks(answer_id, created, body)
    try:
        for event in chunks.begin():
            yield event
        answer: AnswerEvent | None = first
        while answer is not None:
            for event in [chunks.text(answer)] if isinstance(answer, AnswerText) else chunks.end(answer):
                yield event
            answer = await anext(events, None)
    except R3mesError as error:
        yield _sse(json.dumps(error_body(str(error), fault_of(error), error.hint)))
        return
    finally:
        await events.aclose()
    yield _sse("[DONE]")


def _sse(data: str) -> str:
    return f"data: {data}\n\n"
