import pytest

from r3mes_ray.protocol.weights import weight_of


@pytest.mark.parametrize(
    ("trust", "stake", "weight"),
    [
        (500, 0, 5_000_000_000),
        (500, 5_000_000, 7_500_000_000),
        (1000, 10_000_000, 20_000_000_000),
        (1000, 10**30, 20_000_000_000),
        (0, 0, 2_500_000_000),
        (250, -1, 2_500_000_000),
        (10**6, 1, 10_000_001_000),
    ],
)
def test_weight_is_trust_times_clamped_stake(trust, stake, weight):
    assert weight_of(trust, stake) == weight
    assert int(float(weight)) == weight
