import numpy as np
import pytest

from r3mes_ray.serving.inference.base import Sampling
from r3mes_ray.serving.inference.sampling import choose, distribution

LOGITS = np.log(np.array([0.1, 0.4, 0.2, 0.3], dtype=np.float32))


def test_choose_temperature_zero_takes_the_likeliest_and_lowest_of_equals():
    rng = np.random.default_rng(0)
    assert choose(LOGITS, Sampling(temperature=0), rng) == 1
    assert choose(np.array([1.0, 2.0, 2.0], dtype=np.float32), Sampling(temperature=0), rng) == 1
    assert rng.random() == np.random.default_rng(0).random(), "greedy draws nothing"


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), [0.1, 0.4, 0.2, 0.3]),
        (Sampling(temperature=0.5), [0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3]),
        (Sampling(top_k=2), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(top_p=0.7), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(top_p=0.71), [0, 4 / 9, 2 / 9, 3 / 9]),
        (Sampling(top_p=1e-12), [0, 1, 0, 0]),
        (Sampling(top_k=3, top_p=0.5), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(top_k=99), [0.1, 0.4, 0.2, 0.3]),
    ],
)
def test_distribution_cuts_and_renormalises(sampling, expected):
    np.testing.assert_allclose(distribution(LOGITS, sampling), expected, rtol=1e-5, atol=1e-12)


def test_choose_frequencies_follow_the_distribution():
    rng = np.random.default_rng(7)
    counts = np.bincount([choose(LOGITS, Sampling(), rng) for _ in range(4000)], minlength=4) / 4000
    np.testing.assert_allclose(counts, [0.1, 0.4, 0.2, 0.3], atol=0.03)


def test_choose_same_seed_gives_same_tokens():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return [choose(LOGITS, Sampling(), rng) for _ in range(20)]

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)


def test_choose_forbidden_token_is_never_taken():
    logits = np.array([-np.inf, 0.0, 0.0], dtype=np.float32)
    rng = np.random.default_rng(1)
    assert {choose(logits, Sampling(), rng) for _ in range(100)} == {1, 2}
