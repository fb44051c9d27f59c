"""Matrices of which some rows are needed at a time: in memory up to a bound, and in a temporary file beyond it.

The file is read and written by position and never mapped, as mapped pages count as memory of the process. It has no
name, so it is gone with the process, however that ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from r3mes_ray.errors import SpillFailed


class Spill:
    """Keeps float64 matrices in their order, the first ones in memory; closing it ends what it has kept in the file."""

    def __init__(self, entries: int) -> None:
        """Numbers that stay in memory at most."""
        self._free, self._end = entries, 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, matrix: Tensor) -> Tensor | Spilled:
        """The matrix (n, d); a range of its rows is asked of what comes back as of a tensor.

        Raises:
            SpillFailed: the temporary folder does not take it.
        """
        self._free -= matrix.numel()
        if self._free >= 0 or matrix.numel() == 0:
            return matrix.contiguous()
        with _failing():
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (open as long as this is)
            left, start = _bytes_of(matrix.contiguous().cpu().numpy()), self._end
            while left:
                written = os.pwrite(self._file.fileno(), left, self._end)
                left, self._end = left[written:], self._end + written
        return Spilled(self._file, start, (matrix.shape[0], matrix.shape[1]), matrix.device)


@dataclass(frozen=True, slots=True)
class Spilled:
    """A float64 matrix in a file."""

    file: IO[bytes]
    start: int
    shape: tuple[int, int]
    device: torch.device

    def __getitem__(self, rows: slice) -> Tensor:
        """Some rows, (n, d), on the device that the matrix was on; one read.

        Raises:
            SpillFailed: the file cannot be read.
        """
        first, end, _ = rows.indices(self.shape[0])
        found = np.empty((max(0, end - first), self.shape[1]))
        left, place = _bytes_of(found), self.start + first * self.shape[1] * found.itemsize
        with _failing():
            while left:
                count = os.preadv(self.file.fileno(), [left], place)
                if count == 0:
                    raise EOFError("the file ends before what was written")
                left, place = left[count:], place + count
        return torch.from_numpy(found).to(self.device)


def _bytes_of(rows: NDArray[np.float64]) -> memoryview:
    return rows.reshape(-1).view(np.uint8).data


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError) as error:
        raise SpillFailed(tempfile.gettempdir(), str(error)) from error
