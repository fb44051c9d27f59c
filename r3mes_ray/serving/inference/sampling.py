"""Chooses the next token from a row of logits: penalties and bias, then greedy, or temperature and the cuts.

Nucleus: Holtzman et al., 2020; min-p: Nguyen et al., 2024; repetition penalty: Keskar et al., 2019 (CTRL).
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
from numpy.typing import NDArray

from r3mes_ray.serving.inference.base import Sampling


def adjusted(
    logits: NDArray[np.float32], sampling: Sampling, prompt: Set[int], counts: Mapping[int, int]
) -> NDArray[np.float32]:
    """(v,) logits after bias and penalties; a copy where they change anything.

    Args:
        logits: (v,) of the model.
        sampling: what was asked for.
        prompt: the prompt's tokens.
        counts: how often each token is in the answer so far.
    """
    changed = logits
    if sampling.logit_bias:
        changed = changed.copy()
        tokens, biases = zip(*sampling.logit_bias, strict=True)
        np.add.at(changed, list(tokens), np.asarray(biases, dtype=np.float32))
    if sampling.repetition_penalty != 1.0 and (seen := sorted(prompt | counts.keys())):
        values = changed[seen]
        penalty = np.float32(sampling.repetition_penalty)
        changed = changed if changed is not logits else changed.copy()
        changed[seen] = np.where(values > 0, values / penalty, values * penalty)
    if (sampling.presence_penalty or sampling.frequency_penalty) and counts:
        changed = changed if changed is not logits else changed.copy()
        often = np.fromiter(counts.values(), np.float32, len(counts))
        changed[list(counts)] -= sampling.presence_penalty + sampling.frequency_penalty * often
    return changed


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
    """(v,) probabilities after temperature, min-p, top-k and top-p, in that order; at least one is above 0."""
    scaled = logits.astype(np.float64) / sampling.temperature
    order = np.argsort(-scaled, kind="stable")
    kept = order[: sampling.top_k] if sampling.top_k > 0 else order
    weights = np.exp(scaled[kept] - scaled[kept[0]])
    # The likeliest has weight 1, so that a weight is its share of it.
    likely = weights >= sampling.min_p
    kept, weights = kept[likely], weights[likely]
    weights /= weights.sum()
    if sampling.top_p < 1.0:
        before = np.cumsum(weights) - weights
        weights = weights[before < max(sampling.top_p, 1e-9)]
        kept = kept[: len(weights)]
    probabilities = np.zeros_like(scaled)
    probabilities[kept] = weights / weights.sum()
    return probabilities


def log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(v,) logarithms of the softmax."""
    shifted = logits.astype(np.float64) - logits.max()
    normalised: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return normalised


def likeliest(values: NDArray[np.float64], count: int) -> list[int]:
    """The ids of the `count` largest, best first; of equal ones the lowest id first."""
    if count <= 0:
        return []
    return [int(token) for token in np.argsort(-values, kind="stable")[:count]]
