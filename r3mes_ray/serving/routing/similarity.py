"""Embedding similarity: the question beside each expert's description and example questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from r3mes_ray.serving.embedding import Embedder, Vector
from r3mes_ray.serving.routing.base import ExpertProfile


class ProfileSimilarity:
    """Cosine of the question with the nearest text of each expert; the texts are embedded once, here."""

    def __init__(self, profiles: Sequence[ExpertProfile], embedder: Embedder) -> None:
        texts = [(profile.name, text) for profile in profiles for text in (profile.description, *profile.examples)]
        self._owners = [name for name, _ in texts]
        self._vectors = embedder.embed([text for _, text in texts])
        self._names = tuple(profile.name for profile in profiles)

    def scores(self, vector: Vector) -> dict[str, float]:
        """Best cosine of every expert in [0, 1]; 0 also for one without texts, and where all point away."""
        best = dict.fromkeys(self._names, 0.0)
        cosines = np.clip(self._vectors @ vector, -1.0, 1.0)
        for owner, cosine in zip(self._owners, cosines, strict=True):
            best[owner] = max(best[owner], float(cosine))
        return best
