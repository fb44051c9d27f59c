import threading

import pytest
import torch

from r3mes_ray.models.adapters import write_package
from r3mes_ray.training.gate.validation import faults_of_effects
from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import stored
from r3mes_ray.training.threads import in_threads, thread_map, threaded_layers


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_items_run_side_by_side_and_come_in_their_order(two_threads):
    meeting = threading.Barrier(2, timeout=30)

    def meet(item):
        meeting.wait()
        return item, torch.get_num_threads()

    assert in_threads(meet, range(4), 2) == [(item, 1) for item in range(4)]
    assert torch.get_num_threads() == 2
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert found == [2]


def test_first_error_in_the_order_of_the_items_is_raised(two_threads):
    later = threading.Event()

    def fail(item):
        if item == 0:
            later.wait(30)
        else:
            later.set()
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        in_threads(fail, range(2), 2)
    assert torch.get_num_threads() == 2


def test_layers_in_threads_have_the_bits_of_one_process(two_threads, base, packages, tmp_path):
    adapters = []
    for number in range(4):
        package = packages.make(number, dora=number == 1)
        write_package(package, tmp_path / str(number))
        adapters.append(stored(tmp_path / str(number), package))
    threads = LayerWork(thread_map(3))
    assert torch.equal(compare_steps(base, adapters, None).gram, compare_steps(base, adapters, None, work=threads).gram)
    assert faults_of_effects(adapters, base, threads) == [None] * 4


def test_large_layers_are_computed_one_after_the_other(two_threads):
    threads = set()

    def note(item):
        threads.add(threading.current_thread())
        return item

    work = threaded_layers({"layer": (2**14, 2**13)})
    assert list(work.parallel(note, range(3), str)) == [(0, 0), (1, 1), (2, 2)]
    assert threads == {threading.current_thread()}
