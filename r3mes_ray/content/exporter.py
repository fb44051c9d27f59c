"""Verified content onto the file system, completely or not at all."""

from __future__ import annotations

import asyncio
import errno
import filecmp
import os
import secrets
import shutil
from contextlib import aclosing
from pathlib import Path
from typing import assert_never

from r3mes_ray.content.base import Limits, Progress, unheard
from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.files import sync_folder
from r3mes_ray.content.threads import in_thread
from r3mes_ray.content.walk import FileBegins, FileBytes, FolderBegins, LeafTaken, walk
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.cid import CidParts

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)


async def export(
    root: CidParts, source: BlockSource, target: Path, limits: Limits, progress: Progress = unheard
) -> None:
    """Write the file or directory under `root` to `target`.

    It grows under a hidden name beside `target` and takes its name when it is complete and on disk. A file at `target`
    is replaced; a folder stays as it is when it has the same content already. Parent folders are made.

    Raises:
        ContentError: as for `walk`; nothing is left behind.
        InvalidInput: `target` is a folder with other content, or the other kind of thing.
    """
    target = target.absolute()
    await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
    growing = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    writer, written = _Writer(growing), 0
    try:
        async with aclosing(walk(root, source, limits, writer.place)) as events:
            async for event in events:
                match event:
                    case FolderBegins(path):
                        await in_thread(writer.begin_folder, path)
                    case FileBegins(path):
                        await in_thread(writer.begin_file, path)
                    case FileBytes(offset, data):
                        await in_thread(writer.place, offset, memoryview(data))
                        written += len(data)
                        progress(written)
                    case LeafTaken(size):
                        written += size
                        progress(written)
                    case other:
                        assert_never(other)
        await in_thread(_finish, writer, growing, target)
    finally:
        await in_thread(_discard, writer, growing)


class _Writer:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._file: int | None = None
        self._folders: list[Path] = []

    def begin_folder(self, path: tuple[str, ...]) -> None:
        self._end_file()
        folder = self._root.joinpath(*path)
        folder.mkdir()
        self._folders.append(folder)

    def begin_file(self, path: tuple[str, ...]) -> None:
        self._end_file()
        self._file = os.open(self._root.joinpath(*path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def place(self, offset: int, data: memoryview) -> None:
        """Write bytes where they belong in the file that began last; in any order, and in several threads."""
        while self._file is not None and data:
            written = os.pwrite(self._file, data, offset)
            offset, data = offset + written, data[written:]

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _end_file(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
        self.close()

    def sync(self) -> None:
        self._end_file()
        for folder in reversed(self._folders):
            sync_folder(folder)


def _finish(writer: _Writer, growing: Path, target: Path) -> None:
    writer.sync()
    try:
        os.rename(growing, target)
    except OSError as error:
        if error.errno not in _OCCUPIED:
            raise
        if not (growing.is_dir() and target.is_dir() and _same_tree(growing, target)):
            raise InvalidInput(str(target), "is there already with other content; choose a free name") from error
    else:
        sync_folder(target.parent)


def _same_tree(left: Path, right: Path) -> bool:
    names = {path.name for path in left.iterdir()}
    if names != {path.name for path in right.iterdir()}:
        return False
    return all(_same_entry(left / name, right / name) for name in names)


def _same_entry(left: Path, right: Path) -> bool:
    if right.is_symlink() or left.is_dir() != right.is_dir():
        return False
    return _same_tree(left, right) if left.is_dir() else filecmp.cmp(left, right, shallow=False)


def _discard(writer: _Writer, growing: Path) -> None:
    writer.close()
    if growing.is_dir():
        shutil.rmtree(growing)
    else:
        growing.unlink(missing_ok=True)
