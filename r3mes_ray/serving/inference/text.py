"""Tokens to text as they come: never half a character, and never past a stop text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_REPLACEMENT = "\ufffd"


class TokenText:
    """Decodes a growing list of tokens and gives out what is certain.

    A token may hold part of a character, and a token's text may depend on the one before it: so a window of the last
    tokens is decoded with and without the new one, and text that ends in U+FFFD waits for the next token.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._window = 0
        self._given = 0

    def push(self, token: int) -> str:
        """Add a token and return the text that became certain, perhaps none."""
        self._tokens.append(token)
        text = self._decode(self._tokens[self._window :])
        return "" if text.endswith(_REPLACEMENT) else self._give(text)

    def flush(self) -> str:
        """What is left at the end; a character that stayed incomplete becomes U+FFFD."""
        return self._give(self._decode(self._tokens[self._window :]))

    def _give(self, text: str) -> str:
        before = self._decode(self._tokens[self._window : self._given])
        self._window, self._given = self._given, len(self._tokens)
        return text[len(before) :]


class StopText:
    """Holds back what may be the beginning of a stop text; after one was found, nothing more comes out."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.found = False

    def push(self, text: str) -> str:
        """Add text and return what surely comes before any stop text."""
        if self.found:
            return ""
        self._held += text
        ends = [start for start in (self._held.find(stop) for stop in self._stops) if start >= 0]
        if ends:
            self.found = True
            return self._release(min(ends))
        return self._release(len(self._held) - self._uncertain())

    def flush(self) -> str:
        """What was held back, once no more text comes."""
        return "" if self.found else self._release(len(self._held))

    def _release(self, length: int) -> str:
        released, self._held = self._held[:length], self._held[length:]
        return released

    def _uncertain(self) -> int:
        """Length of the longest end of the held text that begins a stop text."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stops):
                return length
        return 0
