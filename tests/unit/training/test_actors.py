"""Which GPUs a round's layers take, by the cluster's table of resources; tests/ray has what tasks do."""

import pytest

from r3mes_ray.settings import Settings
from r3mes_ray.training.actors import shares_of

LAPTOP = {"CPU": 8.0}
GPUS = {"CPU": 16.0, "GPU": 2.0, "accelerator_type:H100": 2.0}


@pytest.mark.parametrize(
    ("there", "free", "gpus", "expected"),
    [
        (LAPTOP, LAPTOP, None, (0.0, 8)),
        (GPUS, GPUS, None, (0.25, 8)),
        (GPUS, GPUS | {"GPU": 0.5}, None, (0.25, 2)),
        (GPUS, LAPTOP, None, (0.0, 16)),
        (GPUS, GPUS | {"GPU": 0.2}, None, (0.0, 16)),
        (GPUS, GPUS, 0.0, (0.0, 16)),
        (GPUS, GPUS, 1.0, (1.0, 2)),
        (GPUS, LAPTOP, 0.5, (0.5, 4)),
        (LAPTOP, LAPTOP, 1.0, (1.0, 1)),
        ({}, {}, None, (0.0, 1)),
    ],
    ids=[
        "no GPU",
        "two",
        "half is free",
        "all held",
        "too little",
        "none wanted",
        "one",
        "held, wanted",
        "absent",
        "nothing",
    ],
)
def test_layers_take_the_gpus_that_are_free_unless_a_number_is_asked_for(there, free, gpus, expected):
    assert shares_of(there, free, gpus) == expected


def test_settings_leave_gpus_to_the_cluster():
    assert Settings().training.gpus_per_task is None
