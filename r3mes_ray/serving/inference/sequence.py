"""One request while it is decoded: which token comes next, what text is certain, and when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from r3mes_ray.serving.inference.base import FinishReason, GenerationRequest, Piece, TokenChance, TokenChances
from r3mes_ray.serving.inference.sampling import adjusted, choose, likeliest, log_probabilities
from r3mes_ray.serving.inference.text import StopText, TokenText

Decode: TypeAlias = Callable[[Sequence[int]], str]
"""Token ids to text; an incomplete character at the end becomes U+FFFD."""


@dataclass(frozen=True, slots=True)
class TextRules:
    """What is known of a model's tokens.

    Attributes:
        decode: the tokenizer's.
        end_tokens: end an answer; they are neither counted nor shown.
        never: the other special tokens (turns, padding): they have no place in an answer.
        context_tokens: prompt and answer together have no more.
        vocabulary: tokens are numbered below this.
    """

    decode: Decode
    end_tokens: frozenset[int]
    never: frozenset[int]
    context_tokens: int
    vocabulary: int

    @classmethod
    def of(cls, tokenizer: Any, ends: int | list[int] | None, context_tokens: int, vocabulary: int) -> TextRules:
        """By a tokenizer, and the tokens that the model's configuration ends an answer with."""
        configured = ends if isinstance(ends, list) else [ends]
        end_tokens = frozenset({tokenizer.eos_token_id, *configured} - {None})
        # A tokenizer may have tokens that the model does not.
        special = {token for token in tokenizer.all_special_ids if token < vocabulary}
        return cls(tokenizer.decode, end_tokens, frozenset(special) - end_tokens, context_tokens, vocabulary)


class Answer:
    """The text of one answer, as its tokens come, and when it ends.

    Args:
        request: its prompt must leave room for one token.
        rules: the model's.
    """

    def __init__(self, request: GenerationRequest, rules: TextRules) -> None:
        self._limit = tokens_left(request, rules)
        self._end_tokens, self._decode = rules.end_tokens, rules.decode
        self._text = TokenText(rules.decode)
        self._stop = StopText(request.sampling.stop)
        self._tokens = 0

    def push(self, token: int, chances: tuple[TokenChances, ...] = ()) -> Piece:
        """Add a token and return the text that it makes certain, perhaps none."""
        if token in self._end_tokens:
            return self.end("stop")
        self._tokens += 1
        text = self._stop.push(self._text.push(token))
        if self._stop.found:
            return Piece(text, self._tokens, "stop", chances)
        if self._tokens >= self._limit:
            return self.end("length", text, chances)
        return Piece(text, self._tokens, None, chances)

    def end(self, reason: FinishReason, text: str = "", chances: tuple[TokenChances, ...] = ()) -> Piece:
        """The last piece, after `text`."""
        text += self._stop.push(self._text.flush())
        text += self._stop.flush()
        return Piece(text, self._tokens, "stop" if self._stop.found else reason, chances)

    def chances(self, values: Sequence[tuple[int, float]]) -> TokenChances:
        """What is told of a token: its own (id, log probability) first, then those of the likeliest."""
        chosen, *top = (TokenChance(self._decode([token]), value) for token, value in values)
        return TokenChances(chosen, tuple(top))


class Generation:
    """An answer whose tokens are chosen here, from logits."""

    def __init__(self, request: GenerationRequest, rules: TextRules) -> None:
        self._answer = Answer(request, rules)
        self._sampling = request.sampling
        self._prompt = frozenset(request.prompt)
        self._counts: Counter[int] = Counter()
        self._never = sorted(rules.never)
        self._rng = np.random.default_rng(request.sampling.seed)
        self.last_token = -1

    def advance(self, logits: NDArray[np.float32]) -> Piece:
        """Choose the next token from (v,) logits and return the text that it makes certain, perhaps none."""
        allowed = adjusted(logits, self._sampling, self._prompt, self._counts).copy()
        allowed[self._never] = -np.inf
        token = choose(allowed, self._sampling, self._rng)
        self._counts[token] += 1
        self.last_token = token
        return self._answer.push(token, self._chances(logits, token))

    def _chances(self, logits: NDArray[np.float32], token: int) -> tuple[TokenChances, ...]:
        wanted = self._sampling.top_logprobs
        if wanted is None:
            return ()
        values = log_probabilities(logits)
        told = [(one, float(values[one])) for one in (token, *likeliest(values, wanted))]
        return (self._answer.chances(told),)


def tokens_left(request: GenerationRequest, rules: TextRules) -> int:
    """How many tokens an answer may have."""
    return min(request.sampling.max_tokens, rules.context_tokens - len(request.prompt))
