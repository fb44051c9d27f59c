"""Embedding without a model: hashed words, pairs and character n-grams (feature hashing, Weinberger et al., 2009)."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from r3mes_ray.serving.embedding.base import Vectors

_WORD = re.compile(r"[^\W_]+")
_MAX_CHARS = 8_000
_NGRAMS = (3, 4)
_WORD_WEIGHT, _PAIR_WEIGHT, _NGRAM_WEIGHT = 1.0, 0.6, 0.25

_FUNCTION_WORDS = """
a about an and any are as at be because been but by can could did do does for from had has have how i if in into
is it its me my no not of on or our shall should so some than that the their them then there these they this
those to too was we were what when where which who why will with would you your
"""

STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English function words; they say nothing about a question's domain."""


def words(text: str) -> list[str]:
    """Lower-case words of a text in order, without stop words; a text of stop words alone keeps them."""
    found = _WORD.findall(text.casefold())
    return [word for word in found if word not in STOP_WORDS] or found


class HashingEmbedder:
    """Signed hashing of weighted features into `dimensions` buckets, then L2 normalisation."""

    def __init__(self, dimensions: int = 1024) -> None:
        self._dimensions = dimensions

    @property
    def name(self) -> str:
        """`hashing-<dimensions>`."""
        return f"hashing-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """Number of buckets."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; only the first 8,000 characters of each count."""
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            self._fill(vectors[row], text[:_MAX_CHARS])
        return vectors

    def _fill(self, row: Vectors, text: str) -> None:
        counts = Counter(_features(text))
        for (feature, weight), count in counts.items():
            bucket, sign = _bucket(feature, self._dimensions)
            row[bucket] += sign * weight * (1.0 + math.log(count))
        norm = float(np.linalg.norm(row))
        if norm > 0.0:
            row /= norm


def _features(text: str) -> Iterator[tuple[str, float]]:
    found = words(text)
    for word in found:
        yield f"w:{word}", _WORD_WEIGHT
        padded = f"<{word}>"
        for size in _NGRAMS:
            for start in range(len(padded) - size + 1):
                yield f"c:{padded[start : start + size]}", _NGRAM_WEIGHT
    for left, right in pairwise(found):
        yield f"p:{left} {right}", _PAIR_WEIGHT


@lru_cache(maxsize=65_536)
def _bucket(feature: str, dimensions: int) -> tuple[int, float]:
    digest = int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return (digest >> 1) % dimensions, 1.0 if digest & 1 else -1.0
