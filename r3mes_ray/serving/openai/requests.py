"""What a client of the OpenAI API may send, checked.

Fields that this server does not know are ignored, as clients send many. A known field that it cannot honour is refused
unless it has the value that changes nothing: an answer must never silently differ from what was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from r3mes_ray.errors import InvalidInput
from r3mes_ray.serving.inference.base import Sampling
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import ChatRequest
from r3mes_ray.serving.target import AUTO, parse_target

MAX_MESSAGES = 1_000
DEFAULT_MAX_TOKENS = 256
_MAX_TOKENS = 1_000_000
_MAX_STOPS = 16
MAX_CHOICES = 16
MAX_TOP_LOGPROBS = 20
MAX_SCHEMA_BYTES = 2**15
"""The engine reads a schema between two steps, for which all its requests wait: 20 ms for 48 KB (measured)."""
MAX_SCHEMA_DEPTH = 32

TokenId: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
"""A token's number, as a key of a JSON object."""

NEUTRAL: dict[str, tuple[Any, ...]] = {
    "tools": (None, []),
    "functions": (None, []),
    "audio": (None,),
    "modalities": (None, ["text"]),
}
"""Fields that are understood but not supported, with the values that may be sent all the same."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class TextPart(_Section):
    """A part of a message's content; only text is understood."""

    type: Literal["text"]
    text: str


class ChatMessage(_Section):
    """One turn of the conversation; `developer` is today's name of `system`."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[TextPart, ...]

    def message(self) -> Message:
        """The turn as one text."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class TextFormat(_Section):
    """Any text."""

    type: Literal["text"]

    @property
    def schema_text(self) -> None:
        """None is kept to."""
        return None


class JsonObjectFormat(_Section):
    """A JSON object."""

    type: Literal["json_object"]

    @property
    def schema_text(self) -> str:
        """The schema that the answer keeps to."""
        return '{"type": "object"}'


def _deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists are nested more than `levels` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [item for one in layer if isinstance(one, dict | list) for item in _items(one)]
    return any(isinstance(one, dict | list) for one in layer)


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


class JsonSchema(_Section):
    """A schema, as OpenAI wraps it; `name` and `strict` change nothing here."""

    definition: dict[str, Any] = Field(alias="schema")

    @field_validator("definition")
    @classmethod
    def _bounded(cls, definition: dict[str, Any]) -> dict[str, Any]:
        if _deeper(definition, MAX_SCHEMA_DEPTH):
            raise ValueError(f"a schema may be nested {MAX_SCHEMA_DEPTH} levels deep")
        if (size := len(json.dumps(definition))) > MAX_SCHEMA_BYTES:
            raise ValueError(f"a schema may have {MAX_SCHEMA_BYTES} bytes, this one has {size}")
        return definition


class JsonSchemaFormat(_Section):
    """JSON that fits a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema

    @property
    def schema_text(self) -> str:
        """The schema that the answer keeps to."""
        return json.dumps(self.json_schema.definition)


ResponseFormat: TypeAlias = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class StreamOptions(_Section):
    """What a stream carries beside text."""

    include_usage: bool = False


class ChatCompletionRequest(_Section):
    """The body of POST /v1/chat/completions."""

    model: str = Field(AUTO, min_length=1, max_length=200)
    messages: tuple[ChatMessage, ...] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1, le=_MAX_TOKENS)
    max_completion_tokens: int | None = Field(None, ge=1, le=_MAX_TOKENS)
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    top_k: int | None = Field(None, ge=-1)
    min_p: float | None = Field(None, ge=0.0, le=1.0)
    presence_penalty: float | None = Field(None, ge=-2.0, le=2.0)
    frequency_penalty: float | None = Field(None, ge=-2.0, le=2.0)
    repetition_penalty: float | None = Field(None, gt=0.0, le=10.0)
    logit_bias: dict[TokenId, Annotated[float, Field(ge=-100.0, le=100.0)]] | None = Field(None, max_length=1_000)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MAX_TOP_LOGPROBS)
    n: int | None = Field(None, ge=1, le=MAX_CHOICES)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: str | tuple[Annotated[str, Field(max_length=500)], ...] | None = None
    response_format: ResponseFormat | None = None

    @field_validator("stop")
    @classmethod
    def _few_stops(cls, stop: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if stop is not None and not isinstance(stop, str) and len(stop) > _MAX_STOPS:
            raise ValueError(f"at most {_MAX_STOPS} stop texts")
        return stop

    @model_validator(mode="after")
    def _chances_asked_for(self) -> Self:
        if self.top_logprobs and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs to be true")
        return self

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk of usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def sampling(self) -> Sampling:
        """The sampling that was asked for, with the API's defaults."""
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop or ()
        return Sampling(
            max_tokens=self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            top_k=max(self.top_k or 0, 0),
            min_p=self.min_p or 0.0,
            presence_penalty=self.presence_penalty or 0.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            repetition_penalty=self.repetition_penalty or 1.0,
            logit_bias=tuple((int(token), bias) for token, bias in (self.logit_bias or {}).items()),
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            seed=None if self.seed is None else self.seed % 2**64,
            stop=tuple(stop for stop in stops if stop),
            json_schema=None if self.response_format is None else self.response_format.schema_text,
        )

    def chat(self) -> ChatRequest:
        """The request as the pipeline takes it.

        Raises:
            ExpertNotFound: the model's version is no number.
        """
        messages = tuple(message.message() for message in self.messages)
        return ChatRequest(messages, parse_target(self.model), self.sampling(), self.n or 1)


def parse_chat(body: bytes) -> ChatCompletionRequest:
    """Check a request's body.

    Raises:
        InvalidInput: names the first field that is wrong, or not supported.
    """
    try:
        request = ChatCompletionRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidInput(field, str(first["msg"])) from error
    for field, value in (request.model_extra or {}).items():
        if field in NEUTRAL and value not in NEUTRAL[field]:
            raise InvalidInput(field, f"not supported by this engine; leave it out ({str(value)[:80]!r} was sent)")
    return request
