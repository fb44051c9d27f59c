"""One request while it is decoded: which token comes next, what text is certain, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from r3mes_ray.serving.inference.base import FinishReason, GenerationRequest, Piece
from r3mes_ray.serving.inference.sampling import choose
from r3mes_ray.serving.inference.text import StopText, TokenText

Decode: TypeAlias = Callable[[Sequence[int]], str]
"""Token ids to text; an incomplete character at the end becomes U+FFFD."""


class Generation:
    """The state of one answer between two steps.

    Args:
        request: its prompt must leave room for one token.
        decode: the tokenizer's.
        end_tokens: tokens that end an answer; they are neither counted nor shown.
        context_tokens: prompt and answer together have no more.
    """

    def __init__(
        self, request: GenerationRequest, decode: Decode, end_tokens: frozenset[int], context_tokens: int
    ) -> None:
        self._sampling = request.sampling
        self._limit = min(request.sampling.max_tokens, context_tokens - len(request.prompt))
        self._end_tokens = end_tokens
        self._rng = np.random.default_rng(request.sampling.seed)
        self._text = TokenText(decode)
        self._stop = StopText(request.sampling.stop)
        self._tokens = 0
        self.last_token = -1

    def advance(self, logits: NDArray[np.float32]) -> Piece:
        """Choose the next token from (v,) logits and return the text that it makes certain, perhaps none."""
        token = choose(logits, self._sampling, self._rng)
        if token in self._end_tokens:
            return self._end("stop")
        self._tokens += 1
        self.last_token = token
        text = self._stop.push(self._text.push(token))
        if self._stop.found:
            return Piece(text, self._tokens, "stop")
        if self._tokens >= self._limit:
            end = self._end("length")
            return Piece(text + end.text, end.tokens, end.finish_reason)
        return Piece(text, self._tokens)

    def _end(self, reason: FinishReason) -> Piece:
        text = self._stop.push(self._text.flush())
        text += self._stop.flush()
        return Piece(text, self._tokens, "stop" if self._stop.found else reason)
