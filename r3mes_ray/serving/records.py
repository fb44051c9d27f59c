"""What the parts of the serving half hand to each other for one answer; all of it crosses Ray, so all is picklable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from r3mes_ray.serving.inference.base import FinishReason, Piece, Sampling, TokenChances
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.retrieval.retriever import Passage
from r3mes_ray.serving.routing.base import ExpertScore, How, RouteDecision
from r3mes_ray.serving.target import Target
from r3mes_ray.types import AdapterId, Cid


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to be continued by `target`, in `choices` answers; `messages` has at least one turn."""

    messages: tuple[Message, ...]
    target: Target
    sampling: Sampling
    choices: int = 1


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the gateway asks the knowledge part: route this question, and find passages for it."""

    question: str
    target: Target


@dataclass(frozen=True, slots=True)
class Consultation:
    """Its answer.

    Attributes:
        route: which expert, and why.
        adapter: the version that answers from now on, `None` for the base model.
        passages: for the prompt.
        embed_s: seconds, as the other two.
        route_s: seconds.
        retrieve_s: seconds.
        runners_up: versions that the next question of this kind may want.
    """

    route: RouteDecision
    adapter: AdapterId | None
    passages: tuple[Passage, ...]
    embed_s: float
    route_s: float
    retrieve_s: float
    runners_up: tuple[AdapterId, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """What the gateway asks the engine; `runners_up` are fetched while it generates."""

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    sampling: Sampling
    adapter: AdapterId | None
    timeout_s: float
    choices: int = 1
    runners_up: tuple[AdapterId, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """The engine's first word: the prompt is built and the adapter is in its slot, after `adapter_s`."""

    base: str
    prompt_tokens: int
    passages: tuple[Passage, ...]
    adapter_s: float


EngineEvent: TypeAlias = Begun | Piece
"""One `Begun`, then pieces, the last of each choice with a finish reason."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that was in the prompt."""

    document: str
    chunk: int
    score: float


@dataclass(frozen=True, slots=True)
class Route:
    """What decided on the expert, and the scores of all, best first; none where the client decided."""

    how: How
    scores: tuple[ExpertScore, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of one answer by stage; `first_token_s` counts from the request's arrival."""

    embed_s: float
    route_s: float
    retrieve_s: float
    adapter_s: float
    first_token_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """How an answer came about: it names all that would be needed to make it again.

    Attributes:
        model_version: `<base>/<expert>@<version>`, or `<base>` alone.
        expert: `None` for the base model.
        version: 0 where no adapter took part.
        adapter_cid: the adapter's package.
        route: how the expert was found.
        passages: what was in the prompt.
        timings: seconds by stage.
    """

    model_version: str
    expert: str | None
    version: int
    adapter_cid: Cid | None
    route: Route
    passages: tuple[Citation, ...]
    timings: Timings


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """The end of an answer: why each choice ended, and the tokens of all of them."""

    finish_reasons: tuple[FinishReason, ...]
    prompt_tokens: int
    completion_tokens: int
    record: AnswerRecord


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A piece of the text of one choice, and the chances of its tokens where they were asked for."""

    text: str
    choice: int = 0
    chances: tuple[TokenChances, ...] = ()


AnswerEvent: TypeAlias = AnswerText | AnswerEnd
"""Texts, then one end."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the serving half: whether it can do its work, and a sentence; an answer needs it where `required`."""

    name: str
    ok: bool
    required: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that answers `share` (0 … 1) of the requests for its expert."""

    adapter: AdapterId
    share: float


@dataclass(frozen=True, slots=True)
class ServedExpert:
    """An expert that can be asked for.

    Attributes:
        current: the version that answers.
        versions: all that can be asked for by number, ascending.
        since: when `current` was switched to, Unix time.
        description: its own.
        canary: another version that answers some requests.
        finished: the newest version on chain; those above it were imported.
    """

    current: AdapterId
    versions: tuple[AdapterId, ...]
    since: int
    description: str
    canary: Canary | None = None
    finished: int = 0
