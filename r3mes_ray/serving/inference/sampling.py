"""Chooses the next token from a row of logits: greedy, temperature, top-k and nucleus (Holtzman et al., 2020)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from r3mes_ray.serving.inference.base import Sampling


def choose(logits: NDArray[np.float32], sampling: Sampling, rng: np.random.Generator) -> int:
    """The next token's id; of equal logits the lowest id is likeliest.

    Args:
        logits: (v,) unnormalised, finite or -inf.
        sampling: what may be chosen.
        rng: the request's own; one draw is taken unless the choice is greedy.
    """
    if sampling.temperature <= 0.0:
        return int(np.argmax(logits))
    probabilities = distribution(logits, sampling)
    allowed = np.flatnonzero(probabilities)
    cumulated = np.cumsum(probabilities[allowed])
    drawn = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right"))
    return int(allowed[min(drawn, len(allowed) - 1)])


def distribution(logits: NDArray[np.float32], sampling: Sampling) -> NDArray[np.float64]:
    """(v,) probabilities after temperature, top-k and top-p, in that order; at least one is above 0."""
    scaled = logits.astype(np.float64) / sampling.temperature
    order = np.argsort(-scaled, kind="stable")
    kept = order[: sampling.top_k] if sampling.top_k > 0 else order
    weights = np.exp(scaled[kept] - scaled[kept[0]])
    weights /= weights.sum()
    if sampling.top_p < 1.0:
        before = np.cumsum(weights) - weights
        weights = weights[before < max(sampling.top_p, 1e-9)]
        kept = kept[: len(weights)]
    probabilities = np.zeros_like(scaled)
    probabilities[kept] = weights / weights.sum()
    return probabilities
