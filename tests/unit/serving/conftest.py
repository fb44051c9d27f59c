from collections.abc import Sequence

import numpy as np
import pytest


class AxisEmbedder:
    """A fake: each known word has an axis, a text is the normalised sum of its words' axes."""

    name = "axes"

    def __init__(self, words: Sequence[str]) -> None:
        self._axes = {word: axis for axis, word in enumerate(words)}
        self.calls = 0

    @property
    def dimensions(self) -> int:
        return len(self._axes)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.calls += 1
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().replace("?", " ").split():
                if word in self._axes:
                    row[self._axes[word]] += 1.0
            norm = np.linalg.norm(row)
            if norm > 0:
                row /= norm
        return rows


@pytest.fixture
def axis_embedder():
    return AxisEmbedder
