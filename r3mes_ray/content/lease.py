"""Who may write and who may delete in a block store that several processes share.

A short exclusive lock (flock on one file) makes single changes atomic between processes. A lease is a file that lists
the digests that an unfinished operation needs; it is locked for as long as the operation lives, so that the kernel ends
it with the process, whatever ends that.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

_DIGEST_BYTES = 32


class StoreLock:
    """The lock of one store folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; waits for others, in this process and elsewhere."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class Lease:
    """Protects what an operation writes or needs until it is left: `with Lease(folder, lock) as lease`."""

    def __init__(self, folder: Path, lock: StoreLock) -> None:
        self._folder, self._lock = folder, lock
        self.name = secrets.token_hex(16)
        self._descriptor = -1

    def __enter__(self) -> Lease:
        with self._lock.held():
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._folder / self.name, flags, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self._folder / self.name).unlink(missing_ok=True)
        os.close(self._descriptor)

    def protect(self, digests: Iterable[bytes]) -> None:
        """Keep blocks from being collected. Hold the store's lock around it, or a collector may be half through."""
        os.write(self._descriptor, b"".join(digests))


def leased_digests(folder: Path) -> set[bytes]:
    """Digests of all living leases; the files of dead ones are removed. Call it with the store's lock held."""
    digests: set[bytes] = set()
    for path in folder.iterdir():
        data = _read_living(path)
        digests.update(data[at : at + _DIGEST_BYTES] for at in range(0, len(data), _DIGEST_BYTES))
    return digests


def living_leases(folder: Path) -> frozenset[str]:
    """Names of the leases whose operation still runs. Call it with the store's lock held, after `leased_digests`."""
    return frozenset(path.name for path in folder.iterdir())


def _read_living(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read()
    else:
        path.unlink(missing_ok=True)
        return b""
    finally:
        os.close(descriptor)
