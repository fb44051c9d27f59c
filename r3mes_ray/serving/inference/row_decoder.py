"""A model with a sequence in each of its rows, as a `Decoder`: all rows together, one token a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from r3mes_ray.serving.inference.base import Piece
from r3mes_ray.serving.inference.loop import Ticket
from r3mes_ray.serving.inference.sequence import Generation, TextRules


class RowModel(Protocol):
    """A model that keeps the state of several sequences in rows 0, 1, …; used by one thread."""

    def prefill(self, row: int, prompt: Sequence[int], slot: int) -> NDArray[np.float32]:
        """Begin a sequence in a row with the adapter of `slot`; (v,) logits of its next token."""
        ...

    def decode(self, tokens: Sequence[int], slots: Sequence[int]) -> NDArray[np.float32]:
        """Add one token to each of the rows 0 … n-1; (n, v) logits of their next tokens."""
        ...

    def move(self, source: int, target: int) -> None:
        """Put the sequence of row `source` into row `target`, in place of what is there."""
        ...


class RowDecoder:
    """Tickets in the rows of a model."""

    def __init__(self, model: RowModel, rules: TextRules) -> None:
        self._model, self._rules = model, rules
        self._rows: list[tuple[Ticket, Generation]] = []

    @property
    def admissions(self) -> int:
        """One: a prompt is a forward of its own, for which all rows wait."""
        return 1

    def admit(self, ticket: Ticket) -> Piece:
        """Prefill the prompt in a row of its own, and choose the first token."""
        generation = Generation(ticket.request, self._rules)
        piece = generation.advance(self._model.prefill(len(self._rows), ticket.request.prompt, ticket.slot))
        self._rows.append((ticket, generation))
        return piece

    def step(self) -> list[tuple[Ticket, Piece]]:
        """One forward for all rows."""
        tokens = [generation.last_token for _, generation in self._rows]
        logits = self._model.decode(tokens, [ticket.slot for ticket, _ in self._rows])
        rows = zip(self._rows, logits, strict=True)
        return [(ticket, generation.advance(row)) for (ticket, generation), row in rows]

    def drop(self, ticket: Ticket) -> None:
        """Free its row; the last one moves into its place, so that rows stay 0 … n-1."""
        row = next(index for index, (one, _) in enumerate(self._rows) if one is ticket)
        last = len(self._rows) - 1
        if row != last:
            self._model.move(last, row)
            self._rows[row] = self._rows[last]
        self._rows.pop()
