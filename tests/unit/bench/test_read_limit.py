import pytest
import torch

from r3mes_ray.bench.read_limit import READERS, WIDTH, limit_row


def test_limit_row_compares_best_run_with_best_read():
    row = limit_row("mean", [4.0, 5.0, 8.0], [9.0, 3.0, 7.0])
    assert (row.value, row.peer_value, row.ratio) == (4.0, 3.0, 0.75)
    assert row.peer == "one read of the input"


def test_limit_row_faster_than_a_read_says_so_and_has_no_share():
    row = limit_row("mean", [2.0], [2.4])
    assert row.ratio is None
    assert row.peer == "one read of the input: measured badly, ours came out 1.20 times as fast"


@pytest.mark.parametrize("name", READERS)
def test_readers_every_number_counts(name: str):
    numbers = torch.ones(4 * WIDTH)
    before = READERS[name](numbers).clone()
    numbers[-1] = 5.0
    assert not torch.equal(READERS[name](numbers), before)
