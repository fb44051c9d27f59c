from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.bitnet import BitLinear
from r3mes_ray.models.evaluate import bootstrap_interval, window_losses

TEXT = "abcdefgh " * 20


def test_window_losses_of_equal_logits_are_the_vocabulary_s_logarithm(base):
    base.model.model.norm.weight.data.zero_()
    losses = window_losses(base, None, TEXT, 16)
    assert losses == pytest.approx(np.full(len(losses), math.log(97)))


def test_window_losses_are_those_of_transformers(base):
    ids = torch.tensor(base.tokenizer(TEXT, add_special_tokens=False).input_ids)
    windows = ids[: len(ids) // 16 * 16].view(-1, 16)
    expected = [base.model(input_ids=w[None], labels=w[None]).loss.item() for w in windows]
    assert window_losses(base, None, TEXT, 16) == pytest.approx(expected, abs=2e-3)


def test_window_losses_with_an_adapter_differ_and_leave_the_base(base, adapter):
    before = window_losses(base, None, TEXT, 16)
    adapted = window_losses(base, adapter(1, dora=True), TEXT, 16)
    assert np.abs(adapted - before).max() > 0.05
    assert np.array_equal(window_losses(base, None, TEXT, 16), before)
    assert all(type(base.linear(name)) is BitLinear for name in base.linear_names)


def test_window_losses_text_shorter_than_a_window_is_refused(base):
    with pytest.raises(InvalidInput, match="one window needs 16"):
        window_losses(base, None, "abc", 16)


def test_bootstrap_interval_equals_scipy():
    values = np.random.default_rng(5).normal(1.0, 0.5, 200)
    oracle = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1))
    low, high = bootstrap_interval(values)
    assert (low, high) == pytest.approx(tuple(oracle.confidence_interval), abs=0.01)


def test_bootstrap_interval_is_deterministic():
    values = np.arange(10.0)
    assert bootstrap_interval(values) == bootstrap_interval(values)
