"""Bias, penalties, min-p and chances: literal values; and those of transformers as an oracle."""

import numpy as np
import pytest
import torch
from transformers.generation.logits_process import MinPLogitsWarper, RepetitionPenaltyLogitsProcessor

from r3mes_ray.serving.inference.base import Sampling
from r3mes_ray.serving.inference.sampling import adjusted, distribution, likeliest, log_probabilities

LOGITS = np.array([1.0, -2.0, 3.0, 0.5], dtype=np.float32)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), [1.0, -2.0, 3.0, 0.5]),
        (Sampling(logit_bias=((1, 4.0), (2, -100.0))), [1.0, 2.0, -97.0, 0.5]),
        (Sampling(presence_penalty=0.5), [1.0, -2.5, 2.5, 0.5]),
        (Sampling(frequency_penalty=0.5), [1.0, -2.5, 1.5, 0.5]),
        (Sampling(repetition_penalty=2.0), [0.5, -4.0, 1.5, 0.5]),
        (Sampling(repetition_penalty=2.0, presence_penalty=1.0, logit_bias=((0, 1.0),)), [1.0, -5.0, 0.5, 0.5]),
    ],
)
def test_adjusted_takes_and_adds_what_was_asked_for(sampling, expected):
    before = LOGITS.copy()
    np.testing.assert_allclose(adjusted(LOGITS, sampling, {0}, {1: 1, 2: 3}), expected, rtol=1e-6)
    assert (before == LOGITS).all(), "the model's logits are left as they are"


def test_repetition_penalty_equals_the_one_of_transformers():
    logits = np.random.default_rng(1).normal(size=50).astype(np.float32)
    tokens = [3, 9, 9, 41]
    oracle = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([tokens]), torch.tensor(logits)[None])[0]
    ours = adjusted(logits, Sampling(repetition_penalty=1.3), {3, 9}, {9: 1, 41: 1})
    np.testing.assert_allclose(ours, oracle.numpy(), rtol=1e-6)


@pytest.mark.parametrize("min_p", [0.05, 0.3, 1.0])
def test_min_p_keeps_what_the_one_of_transformers_keeps(min_p):
    logits = np.random.default_rng(2).normal(size=40).astype(np.float32) * 2
    oracle = MinPLogitsWarper(min_p)(torch.zeros(1, 1), torch.tensor(logits)[None])[0]
    kept = np.flatnonzero(distribution(logits, Sampling(min_p=min_p)))
    assert kept.tolist() == torch.isfinite(oracle).nonzero()[:, 0].tolist()


def test_log_probabilities_are_the_log_softmax():
    expected = torch.tensor(LOGITS, dtype=torch.float64).log_softmax(0).numpy()
    np.testing.assert_allclose(log_probabilities(LOGITS), expected, atol=1e-12)
    assert log_probabilities(np.array([0.0, -np.inf], dtype=np.float32)).tolist() == [0.0, -np.inf]


def test_likeliest_of_equals_the_lowest_first():
    assert likeliest(np.array([1.0, 2.0, 2.0, 0.0]), 3) == [1, 2, 0]
    assert likeliest(np.array([1.0]), 0) == []
