"""The port of text embeddings: one vector a text, shared by the router and the retriever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""(d,) of length 1, or all zero for a text without content."""

Vectors: TypeAlias = NDArray[np.float32]
"""(n, d) one `Vector` a row."""


class Embedder(Protocol):
    """Texts to unit vectors whose inner product is their similarity.

    `embed` is deterministic, raises nothing for any text, and is safe in several threads. Vectors of embedders with
    different `name` must never be compared.
    """

    @property
    def name(self) -> str:
        """Which model and parameters make the vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """Length d of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; an empty sequence gives (0, d)."""
        ...
