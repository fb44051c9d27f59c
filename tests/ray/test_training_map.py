import os
import signal
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

from r3mes_ray.training.actors import ray_map  # noqa: E402
from r3mes_ray.training.ports import Lost, serial_map  # noqa: E402


def square(value):
    return value * value


def die_once(folder):
    marker = Path(folder) / "died"
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def die_always(_):
    os.kill(os.getpid(), signal.SIGKILL)


def hang_on_odd(value):
    if value % 2:
        time.sleep(3600)
    return value


def fail_on_three(value):
    if value == 3:
        raise ValueError("three")
    return value


def count_running(folder):
    mark = Path(folder) / f"{time.monotonic_ns()}-{os.getpid()}"
    mark.touch()
    running = len(list(Path(folder).iterdir()))
    time.sleep(0.2)
    mark.unlink()
    return running


def label(item):
    return f"test {item}"


def test_ray_map_gives_what_the_serial_map_gives():
    items = list(range(20))
    over_ray = sorted(ray_map(4, 60.0)(square, items, label))
    assert over_ray == list(serial_map(square, items, label))


def test_ray_map_keeps_at_most_limit_items_in_flight(tmp_path):
    results = dict(ray_map(2, 60.0)(count_running, [str(tmp_path)] * 8, label))
    assert len(results) == 8
    assert max(results.values()) <= 2


def test_ray_map_starts_a_task_again_when_its_worker_dies(tmp_path):
    assert list(ray_map(2, 60.0)(die_once, [str(tmp_path)], label)) == [(0, "survived")]


def test_ray_map_item_whose_worker_always_dies_is_lost_and_others_are_not():
    results = dict(ray_map(2, 60.0)(die_always, [1], label))
    assert isinstance(results[0], Lost)
    assert dict(ray_map(2, 60.0)(square, [1, 2], label)) == {0: 1, 1: 4}


def test_ray_map_item_that_hangs_is_lost_and_the_rest_goes_on():
    results = dict(ray_map(3, 12.0)(hang_on_odd, [0, 1, 2, 4], label))
    assert results[1] == Lost("no result within 12 s")
    assert {index: results[index] for index in (0, 2, 3)} == {0: 0, 2: 2, 3: 4}


def test_ray_map_exception_of_the_function_is_raised():
    with pytest.raises(ValueError, match="three"):
        list(ray_map(2, 60.0)(fail_on_three, [1, 2, 3], label))
