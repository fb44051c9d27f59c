"""Writing into a store folder: every block that an operation writes or needs is protected until the operation ends."""

from __future__ import annotations

import itertools
from types import TracebackType

from r3mes_ray.content.collector import StoreFolder, collect
from r3mes_ray.content.lease import Lease
from r3mes_ray.errors import ContentNotFound, StoreFull
from r3mes_ray.protocol.cid import CidParts

_LOW_WATER = 15 / 16
"""Share of the limit that an eviction leaves, so that not every block after it evicts again."""


class DiskWriter:
    """A `BlockSink` into a store folder: `with DiskWriter(store, max_bytes) as writer`. Safe in threads."""

    def __init__(self, store: StoreFolder, max_bytes: int) -> None:
        self._store, self._max_bytes = store, max_bytes
        self._lease = Lease(store.leases, store.lock)
        self._numbers = itertools.count()
        self._digests: set[bytes] = set()

    def __enter__(self) -> DiskWriter:
        self._lease.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lease.__exit__(kind, error, trace)

    def write(self, cid: CidParts, block: bytes) -> None:
        """Store a block; what is there already is compared, and replaced where it is damaged.

        Raises:
            StoreFull: what must be kept fills the limit.
        """
        if self._claim(cid.digest, len(block)) and self._store.blocks.holds(cid.digest, block):
            self._store.blocks.touch(cid.digest)
            return
        temporary = self._store.temporary / f"{self._lease.name}.{next(self._numbers)}"
        self._store.blocks.store(cid.digest, block, temporary)

    def keep(self, cid: CidParts) -> int:
        """Protect a block that is here and return its size.

        Raises:
            ContentNotFound: it is not here.
        """
        self._digests.add(cid.digest)
        with self._store.lock.held():
            self._lease.protect([cid.digest])
            size = self._store.blocks.size(cid.digest)
        if size is None:
            raise ContentNotFound(cid.text)
        return size

    def read(self, cid: CidParts) -> bytes:
        """Protect a block and read it."""
        self.keep(cid)
        return self._store.blocks.read(cid)

    def pin(self, root: CidParts) -> None:
        """Make all that was written or kept survive a crash of the machine, then pin `root`."""
        self._store.blocks.sync(self._digests)
        self._store.pins.add(root)

    def _claim(self, digest: bytes, size: int) -> bool:
        """Protect a digest and make room for its block; true when a block of that name is here already."""
        self._digests.add(digest)
        with self._store.lock.held():
            self._lease.protect([digest])
            if self._store.blocks.size(digest) is not None:
                return True
            if self._store.usage.reserve(size, self._max_bytes):
                return False
        collect(self._store, min(int(self._max_bytes * _LOW_WATER), self._max_bytes - size))
        with self._store.lock.held():
            if not self._store.usage.reserve(size, self._max_bytes):
                raise StoreFull(self._max_bytes)
        return False
