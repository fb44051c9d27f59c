"""Finds the passages that fit a question."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.serving.embedding import Embedder, Vector
from r3mes_ray.serving.retrieval.chunks import Chunk, cut_all
from r3mes_ray.serving.retrieval.documents import read_documents
from r3mes_ray.serving.retrieval.index import PassageIndex
from r3mes_ray.settings import RetrievalSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that enters a prompt: `chunk` is its number in the document, `score` its cosine with the question."""

    document: str
    chunk: int
    score: float
    text: str


class Retriever:
    """Chunks of documents behind an index; made once, then read only."""

    def __init__(self, chunks: Sequence[Chunk], embedder: Embedder, *, passages: int, min_score: float) -> None:
        self._chunks = tuple(chunks)
        self._index = PassageIndex(embedder.embed([chunk.text for chunk in self._chunks]))
        self._passages = passages
        self._min_score = min_score

    def __len__(self) -> int:
        return len(self._chunks)

    def retrieve(self, vector: Vector) -> tuple[Passage, ...]:
        """The best passages for a question's vector, best first, none below the least score."""
        found = self._index.search(vector, self._passages)
        return tuple(
            Passage(self._chunks[row].document, self._chunks[row].number, score, self._chunks[row].text)
            for row, score in found
            if score >= self._min_score
        )


def open_retriever(settings: RetrievalSettings, folder: Path, embedder: Embedder) -> Retriever:
    """Read, cut, embed and index the documents of a folder; a file that is left out is logged by name.

    Raises:
        ConfigError: the folder is not there.
    """
    documents = read_documents(settings.documents or folder)
    for refused in documents.refused:
        log.warning("document %s is left out: %s", refused.name, refused.reason)
    chunks = cut_all(documents.accepted, settings.chunk_chars)
    return Retriever(chunks, embedder, passages=settings.passages, min_score=settings.min_score)
