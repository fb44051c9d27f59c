import os

import pytest

from r3mes_ray.errors import AlreadyRunning, NotRunning
from r3mes_ray.node.record import (
    NodeRecord,
    claim,
    read_record,
    record_path,
    remove_record,
    running_record,
    write_record,
)


def record(pid):
    return NodeRecord(
        pid, "127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "127.0.0.1:4", "http://x:5", "c-1"
    )


def test_record_of_a_live_process_is_found_and_claims_the_home(tmp_path):
    write_record(tmp_path, record(os.getpid()))
    assert running_record(tmp_path) == record(os.getpid())
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        claim(tmp_path)


def test_record_of_a_dead_process_is_no_record(tmp_path):
    write_record(tmp_path, record(2**22 + 1))
    assert read_record(tmp_path) is None
    claim(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": 1}'])
def test_record_that_is_damaged_is_no_record(tmp_path, content):
    record_path(tmp_path).parent.mkdir()
    record_path(tmp_path).write_text(content)
    assert read_record(tmp_path) is None


def test_record_that_is_removed_leaves_nothing_running(tmp_path):
    write_record(tmp_path, record(os.getpid()))
    remove_record(tmp_path)
    with pytest.raises(NotRunning):
        running_record(tmp_path)
