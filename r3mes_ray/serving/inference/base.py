"""The port of the engine: prompts to text, each request with its own adapter."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:  # the gateway knows these values and must not load torch
    from r3mes_ray.models.adapters import AdapterPackage

FinishReason: TypeAlias = Literal["stop", "length"]
"""`stop`: the model ended, or a stop text came; `length`: max_tokens or the context is used up."""

BASE_SLOT = -1
"""Slot of the base model without an adapter."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        max_tokens: tokens that may be generated.
        temperature: 0 takes the likeliest token, always.
        top_p: only the likeliest tokens that together have this probability.
        top_k: only the k likeliest tokens; 0 means all.
        min_p: only tokens with at least this share of the likeliest one's probability.
        presence_penalty: taken from the logit of every token that the answer has already.
        frequency_penalty: taken from it once for each time.
        repetition_penalty: divides (where negative, multiplies) the logits of tokens of the prompt and the answer.
        logit_bias: (token, what is added to its logit).
        top_logprobs: how many of the likeliest tokens are told beside the chosen one's; `None` tells none at all.
        seed: the same seed gives the same tokens, whatever else runs; `None` draws one.
        stop: generation ends before the first of these texts.
        json_schema: a JSON schema, as text, that the answer keeps to; `{}` takes any JSON value.
    """

    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    top_logprobs: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: str | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One prompt, as token ids, for the adapter in `slot`; it ends after `timeout_s` whatever it has."""

    prompt: tuple[int, ...]
    sampling: Sampling
    slot: int = BASE_SLOT
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class TokenChance:
    """A token's text and the logarithm of its probability as the model gave it, before any cut or penalty."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenChances:
    """A token of an answer, and the likeliest ones at its place, best first."""

    chosen: TokenChance
    top: tuple[TokenChance, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """New text of an answer.

    Attributes:
        text: what became certain; a token's text may come later than the token.
        tokens: all that were generated so far.
        finish_reason: the last piece alone has one.
        chances: one of each token since the last piece, where they were asked for.
        choice: which of several answers to one request it belongs to.
    """

    text: str
    tokens: int
    finish_reason: FinishReason | None = None
    chances: tuple[TokenChances, ...] = ()
    choice: int = 0


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What an engine does at the moment, and what it has done since it started; `alive` until it cannot answer."""

    alive: bool
    running: int
    waiting: int
    steps: int
    generated_tokens: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class EngineForm:
    """How an engine computes.

    Attributes:
        kind: of the engine, as in the settings.
        weights: `unpacked` where ternary codes were packed on disk or rounded when loaded, `dense` for any other model.
        dtype: of weights and activations.
    """

    kind: str
    weights: Literal["unpacked", "dense"]
    dtype: str


class PreparedAdapter(Protocol):
    """An adapter as an engine needs it; only the engine that prepared it can use it."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in a slot."""
        ...


class InferenceBackend(Protocol):
    """Many requests at a time, decoded together, over one base model with adapters in numbered slots.

    A request's tokens do not depend on what else runs: in float32 on a CPU up to logits that are equal to their last
    bits; shorter types and GPUs may round otherwise in another batch. All verbs are called from one event loop. The
    caller sees to it that a slot is neither filled nor emptied while a request uses it.
    """

    def generate(self, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        """Answer piece by piece; closing or cancelling the iterator frees the request's place before its next step.

        Raises:
            QueueFull: as many requests wait as may.
            PromptTooLong: the prompt leaves no room for one token.
            InvalidInput: `logit_bias` names a token that the model does not have; `json_schema` is none, or is one that
                this engine does not keep to.
            DeadlineExceeded: `timeout_s` is over.
        """
        ...

    async def prepare(self, package: AdapterPackage) -> PreparedAdapter:
        """Compute all that a slot needs of an adapter, beside the requests that run: it takes no step from them.

        Raises:
            PackageRejected: it does not fit the base.
        """
        ...

    async def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Put a prepared adapter into a slot (0, 1, …) between two steps; `None` empties it."""
        ...

    def stats(self) -> EngineStats:
        """Counters, without waiting."""
        ...

    async def close(self) -> None:
        """Stop: running and waiting requests end with ServingUnavailable, and memory is freed. Safe to repeat."""
        ...
