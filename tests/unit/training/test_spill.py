import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from r3mes_ray.errors import SpillFailed
from r3mes_ray.training.spill import Spill, Spilled


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def small_files() -> Iterator[None]:
    """Files of this process end after 1 KiB, as on a disk that is full then: pytest's output too, so not for long."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def matrix(rows: int, columns: int) -> Tensor:
    return torch.arange(rows * columns, dtype=torch.float64).view(rows, columns) - 0.1


def test_spill_keeps_the_first_matrices_in_memory_and_the_rest_in_a_file():
    with Spill(30) as spill:
        kept = [spill.keep(matrix(10, columns)) for columns in (2, 1, 3, 1)]
        assert [type(found) for found in kept] == [Tensor, Tensor, Spilled, Spilled]
        for found, columns in zip(kept, (2, 1, 3, 1), strict=True):
            assert found.shape == (10, columns)
            for rows in (slice(0, 10), slice(3, 5), slice(9, 12)):
                assert torch.equal(found[rows], matrix(10, columns)[rows])


def test_spill_keeps_rows_of_a_matrix_that_does_not_lie_row_by_row():
    with Spill(0) as spill:
        assert torch.equal(spill.keep(matrix(4, 6).T)[1:3], torch.stack([matrix(4, 6)[:, 1], matrix(4, 6)[:, 2]]))


def test_spill_of_a_matrix_without_numbers_has_none_to_read():
    with Spill(0) as spill:
        assert spill.keep(torch.zeros(5, 0, dtype=torch.float64))[1:3].shape == (2, 0)


def test_spill_leaves_no_file_and_no_descriptor_behind_after_an_error(folder: Path):
    before, during = len(os.listdir("/proc/self/fd")), []

    def spill_and_fail() -> None:
        with Spill(0) as spill:
            spill.keep(matrix(100, 100))
            during.append((list(folder.iterdir()), len(os.listdir("/proc/self/fd"))))
            raise KeyError

    with pytest.raises(KeyError):
        spill_and_fail()
    assert during == [([], before + 1)]
    assert (list(folder.iterdir()), len(os.listdir("/proc/self/fd"))) == ([], before)


def test_spill_into_a_full_folder_says_so_as_the_disks_error(folder: Path):
    with small_files(), Spill(0) as spill:
        spill.keep(matrix(10, 10))
        with pytest.raises(SpillFailed, match=f"temporary folder {folder} .*File too large") as found:
            spill.keep(matrix(10, 10))
    assert isinstance(found.value, OSError)


def test_spill_whose_file_was_cut_off_says_so():
    with Spill(0) as spill:
        found = spill.keep(matrix(10, 10))
        assert isinstance(found, Spilled)
        os.ftruncate(found.file.fileno(), 700)
        assert torch.equal(found[0:8], matrix(10, 10)[0:8])
        with pytest.raises(SpillFailed, match="ends before what was written"):
            found[8:10]


def test_spill_without_a_folder_says_so(folder: Path):
    folder.rmdir()
    with Spill(0) as spill, pytest.raises(SpillFailed, match="No such file or directory"):
        spill.keep(matrix(2, 2))
