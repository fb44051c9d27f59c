"""Blocks as files: `blocks/<last two hex digits>/<hex digest>`, each complete and synced before it has its name.

Whatever ends a process or the machine, a file under `blocks/` was whole when it got its name; damage that comes later
is found by the hash, which is checked whenever a block is read.
"""

from __future__ import annotations

import mmap
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from r3mes_ray.content.blocks import MAX_BLOCK_BYTES, verify_block
from r3mes_ray.content.files import sync_folder
from r3mes_ray.errors import ContentNotFound
from r3mes_ray.protocol.cid import CidParts

_buffers = threading.local()
_BLOCK_NAME = re.compile(r"[0-9a-f]{64}")


class DiskBlocks:
    """The block files of one store folder, made where it is missing. Nothing is cached between calls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / "ff").exists():
            for number in range(256):
                (folder / f"{number:02x}").mkdir(parents=True, exist_ok=True)
            sync_folder(folder)

    def path(self, digest: bytes) -> Path:
        """Where the block of a digest is, if it is here."""
        return Path(self._place(digest))

    def _place(self, digest: bytes) -> str:
        name = digest.hex()
        return f"{self._folder}/{name[-2:]}/{name}"

    def size(self, digest: bytes) -> int | None:
        """Bytes of a block, or `None` when it is not here."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, cid: CidParts) -> bytes:
        """The verified block.

        Raises:
            ContentNotFound: it is not here.
            ContentCorrupt: the file has another hash, or is larger than a block may be.
        """
        return bytes(self.view(cid))

    def view(self, cid: CidParts) -> memoryview:
        """As `read`, in memory that this thread uses again for the next block: pages that are new cost a third more."""
        path, buffer = self._place(cid.digest), _buffer()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ContentNotFound(cid.text) from error
        try:
            size = os.readv(descriptor, [buffer])
        finally:
            os.close(descriptor)
        return verify_block(cid, memoryview(buffer)[:size], path)

    def holds(self, digest: bytes, block: bytes) -> bool:
        """Whether the block is here with exactly these bytes."""
        try:
            return self.path(digest).read_bytes() == block
        except FileNotFoundError:
            return False

    def touch(self, digest: bytes) -> None:
        """Make now the time of last use, by which blocks are dropped."""
        with suppress(FileNotFoundError):
            os.utime(self._place(digest))

    def store(self, digest: bytes, block: bytes, temporary: Path) -> None:
        """Write a block by way of `temporary`, in the same file system, replacing what is there."""
        try:
            with temporary.open("xb") as stream:
                stream.write(block)
                stream.flush()
                os.fsync(stream.fileno())
            os.rename(temporary, self.path(digest))
        finally:
            temporary.unlink(missing_ok=True)

    def sync(self, digests: Iterable[bytes]) -> None:
        """Make the names of blocks survive a crash of the machine."""
        for shard in {self.path(digest).parent for digest in digests}:
            sync_folder(shard)

    def delete(self, digest: bytes) -> int:
        """Remove a block and return how many bytes that freed."""
        path = self.path(digest)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def files(self) -> Iterator[tuple[bytes, os.stat_result]]:
        """Digest and state of every block, in no order; files with other names are not ours and are left alone."""
        for number in range(256):
            for entry in os.scandir(self._folder / f"{number:02x}"):
                if _BLOCK_NAME.fullmatch(entry.name):
                    with suppress(FileNotFoundError):
                        yield bytes.fromhex(entry.name), entry.stat()


def _buffer() -> mmap.mmap:
    """Room for one block and a byte, by which one that is too large is known."""
    if not hasattr(_buffers, "bytes"):
        _buffers.bytes = mmap.mmap(-1, MAX_BLOCK_BYTES + 1)
    buffer: mmap.mmap = _buffers.bytes
    return buffer
