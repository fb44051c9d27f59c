"""Exact search by inner product (FAISS, IndexFlatIP)."""

from __future__ import annotations

from typing import Any

import numpy as np

from r3mes_ray.errors import InvalidInput
from r3mes_ray.serving.embedding import Vector, Vectors


class PassageIndex:
    """Rows of vectors that are searched by inner product; filled once, then safe in several threads."""

    def __init__(self, vectors: Vectors) -> None:
        import faiss  # here, because the gateway knows this room's values and needs no index

        self._index: Any = faiss.IndexFlatIP(vectors.shape[1])
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: Vector, limit: int) -> list[tuple[int, float]]:
        """The nearest rows as (row, inner product), best first, at most `limit`.

        Raises:
            InvalidInput: the vector is of another length than the index, so of another embedder.
        """
        if vector.shape != (self._index.d,):
            raise InvalidInput("question vector", f"shape {vector.shape}, but the index has {self._index.d} dimensions")
        limit = min(limit, len(self))
        if limit < 1:
            return []
        scores, rows = self._index.search(np.ascontiguousarray(vector[None, :], dtype=np.float32), limit)
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
