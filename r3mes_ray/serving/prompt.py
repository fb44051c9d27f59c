"""Builds the prompt: the conversation in the model's chat template, with as many passages as fit its context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from r3mes_ray.errors import PromptTooLong
from r3mes_ray.serving.retrieval.retriever import Passage

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


Render: TypeAlias = Callable[[Sequence[Message]], list[int]]
"""A conversation to the token ids of the model's chat template, ending where the answer begins."""


class ChatTokenizer(Protocol):
    """What is needed of a Hugging Face tokenizer."""

    all_special_tokens: list[str]

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any:
        """Token ids of a conversation in the model's chat template."""
        ...


def chat_render(tokenizer: ChatTokenizer) -> Render:
    """The `Render` of a tokenizer.

    A special token that is written out in a message is broken by a space, so that nobody can end his turn and begin
    another one's.
    """
    specials = sorted((token for token in tokenizer.all_special_tokens if len(token) > 1), key=len, reverse=True)

    def harmless(text: str) -> str:
        for special in specials:
            text = text.replace(special, f"{special[0]} {special[1:]}")
        return text

    def render(messages: Sequence[Message]) -> list[int]:
        turns = [{"role": message.role, "content": harmless(message.text)} for message in messages]
        return list(tokenizer.apply_chat_template(turns, tokenize=True, add_generation_prompt=True, return_dict=False))

    return render


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids of the prompt, and the passages that are in it."""

    tokens: tuple[int, ...]
    passages: tuple[Passage, ...]


def build_prompt(
    render: Render, messages: Sequence[Message], passages: Sequence[Passage], *, context_tokens: int, answer_tokens: int
) -> Prompt:
    """Put passages before the last user turn, best first; the least are left out until the answer has room too.

    Passages never take room from the answer: with none left, a prompt may still use all but one token of the context.

    Raises:
        PromptTooLong: the conversation alone leaves no room for an answer.
    """
    for kept in range(len(passages), 0, -1):
        tokens = render(_with_passages(messages, passages[:kept]))
        if len(tokens) + answer_tokens <= context_tokens:
            return Prompt(tuple(tokens), tuple(passages[:kept]))
    tokens = render(messages)
    if len(tokens) >= context_tokens:
        raise PromptTooLong(len(tokens), context_tokens - 1)
    return Prompt(tuple(tokens), ())


def question_of(messages: Sequence[Message]) -> str:
    """What is routed and retrieved for: the last user turn, or the last turn where there is none."""
    asked = [message.text for message in messages if message.role == "user"]
    return asked[-1] if asked else messages[-1].text


def _with_passages(messages: Sequence[Message], passages: Sequence[Passage]) -> list[Message]:
    """The conversation with the passages in the last user turn, which every chat template knows."""
    turns = list(messages)
    asked = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=len(turns) - 1)
    context = "\n\n".join(passage.text for passage in passages)
    turns[asked] = Message(turns[asked].role, f"{context}\n\n{turns[asked].text}")
    return turns
