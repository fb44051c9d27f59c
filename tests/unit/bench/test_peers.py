import pickle

import numpy as np
import pytest

from r3mes_ray.bench.peers import UnequalResult, require_equal

OURS = np.array([3.0, 4.0], dtype=np.float32)


def test_require_equal_within_the_tolerance_passes():
    require_equal("byzfl", "mean", OURS * np.float32(1 + 5e-6), OURS)


@pytest.mark.parametrize(
    ("theirs", "distance"),
    [([3.0, 4.5], "0.1"), ([3.0, 4.0005], "0.0001"), ([np.nan, 4.0], "nan"), ([3.0], "inf")],
)
def test_require_equal_of_another_result_names_peer_and_distance(theirs: list[float], distance: str):
    with pytest.raises(UnequalResult, match=f"krum of flower is {distance} of the result"):
        require_equal("flower", "krum", np.array(theirs), OURS)


def test_unequal_result_pickles():
    error = UnequalResult("byzfl", "median", 0.5)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
