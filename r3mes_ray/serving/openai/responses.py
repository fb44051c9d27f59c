"""What a client of the OpenAI API gets: whole completions, chunks of a stream, and the model list.

The field `r3mes` is ours: the record of how the answer came about. Clients ignore what they do not know.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel

from r3mes_ray.serving.inference.base import FinishReason, TokenChance, TokenChances
from r3mes_ray.serving.records import AnswerEnd, AnswerRecord, AnswerText, ServedExpert
from r3mes_ray.serving.target import AUTO, BASE

OWNER = "r3mes"


class Usage(BaseModel):
    """Tokens of one answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The whole answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Logprob(BaseModel):
    """A token, the logarithm of its probability, and its bytes where it is whole characters."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None


class TokenLogprob(Logprob):
    """A token of the answer, and the likeliest ones at its place."""

    top_logprobs: tuple[Logprob, ...]


class Logprobs(BaseModel):
    """All tokens of a piece of an answer."""

    content: tuple[TokenLogprob, ...]
    refusal: None = None


class Choice(BaseModel):
    """One answer of a completion."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    r3mes: dict[str, Any]


class Delta(BaseModel):
    """What one chunk adds."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """What a chunk adds to one answer."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: FinishReason | None = None


class ChatChunk(BaseModel):
    """A piece of an answer; `r3mes` is in the one with the finish reason, `usage` in one of its own after that."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    usage: Usage | None = None
    r3mes: dict[str, Any] | None = None


class Model(BaseModel):
    """One name that a request's `model` may have."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = OWNER
    r3mes: dict[str, Any]


class ModelList(BaseModel):
    """All names."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


def usage_of(end: AnswerEnd) -> Usage:
    """Tokens of an answer."""
    total = end.prompt_tokens + end.completion_tokens
    return Usage(prompt_tokens=end.prompt_tokens, completion_tokens=end.completion_tokens, total_tokens=total)


def record_fields(record: AnswerRecord) -> dict[str, Any]:
    """The record as JSON's types."""
    return dataclasses.asdict(record)


def logprobs_of(chances: Iterable[TokenChances]) -> Logprobs:
    """The chances in the API's shape."""
    return Logprobs(
        content=tuple(
            TokenLogprob(
                **_logprob(token.chosen).model_dump(), top_logprobs=tuple(_logprob(other) for other in token.top)
            )
            for token in chances
        )
    )


def _logprob(chance: TokenChance) -> Logprob:
    whole = "\ufffd" not in chance.text
    return Logprob(token=chance.text, logprob=chance.logprob, bytes=tuple(chance.text.encode()) if whole else None)


def completion(
    id: str, created: int, model: str, pieces: Sequence[AnswerText], end: AnswerEnd, *, logprobs: bool
) -> ChatCompletion:
    """A whole answer of its pieces."""
    choices = []
    for index, reason in enumerate(end.finish_reasons):
        own = [piece for piece in pieces if piece.choice == index]
        chances = logprobs_of(chance for piece in own for chance in piece.chances) if logprobs else None
        message = AnswerMessage(content="".join(piece.text for piece in own))
        choices.append(Choice(index=index, message=message, logprobs=chances, finish_reason=reason))
    return ChatCompletion(
        id=id,
        created=created,
        model=model,
        choices=tuple(choices),
        usage=usage_of(end),
        r3mes=record_fields(end.record),
    )


def models(experts: Sequence[ServedExpert], since: int) -> ModelList:
    """`auto`, `base`, every expert, and every version of it."""
    listed = [
        Model(id=AUTO, created=since, r3mes={"description": "The router chooses the expert."}),
        Model(id=BASE, created=since, r3mes={"description": "The base model without an expert."}),
    ]
    for expert in experts:
        current = expert.current
        fields = {"description": expert.description, "version": current.version, "adapter_cid": current.cid}
        listed.append(Model(id=current.expert, created=expert.since, r3mes=fields))
        listed += [
            Model(id=str(version), created=expert.since, r3mes={"version": version.version, "adapter_cid": version.cid})
            for version in expert.versions
        ]
    return ModelList(data=tuple(listed))
