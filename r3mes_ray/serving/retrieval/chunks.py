"""Cuts documents into chunks at paragraphs, sentences and words, whichever ends nearest below the limit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from r3mes_ray.serving.retrieval.documents import Document

_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?])\s+|\n"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part `number` (from 0) of a document; `start` is its first character there."""

    document: str
    number: int
    start: int
    text: str


def cut_all(documents: Sequence[Document], max_chars: int) -> tuple[Chunk, ...]:
    """Cut documents in order."""
    return tuple(chunk for document in documents for chunk in cut(document, max_chars))


def cut(document: Document, max_chars: int) -> Iterator[Chunk]:
    """Cut one document: chunks of at most `max_chars`, without white space at their ends, none empty, none lost."""
    text, start, number = document.text, 0, 0
    while start < len(text):
        end = _end(text, start, max_chars)
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            offset = start + len(piece) - len(piece.lstrip())
            yield Chunk(document.name, number, offset, stripped)
            number += 1
        start = end


def _end(text: str, start: int, max_chars: int) -> int:
    """Where the chunk that begins at `start` ends: a break in its second half, the best kind first."""
    if len(text) - start <= max_chars:
        return len(text)
    window = text[start : start + max_chars]
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(window) if match.end() > max_chars // 2]
        if ends:
            return start + ends[-1]
    return start + max_chars
