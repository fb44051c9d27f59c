"""Verified content onto the file system, completely or not at all."""

from __future__ import annotations

import asyncio
import errno
import filecmp
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO, ParamSpec, assert_never

from r3mes_ray.content.base import Limits, Progress, unheard
from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.files import sync_folder
from r3mes_ray.content.walk import FileBegins, FileBytes, FolderBegins, WalkEvent, walk
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.cid import CidParts

P = ParamSpec("P")
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
        async with aclosing(walk(root, source, limits)) as events:
            async for event in events:
                await _in_thread(writer.take, event)
                if isinstance(event, FileBytes):
                    written += len(event.data)
                    progress(written)
        await _in_thread(_finish, writer, growing, target)
    finally:
        await _in_thread(_discard, writer, growing)


async def _in_thread(action: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run blocking work to its end even when the caller is cancelled, so that nothing is written after the clean-up."""
    task = asyncio.ensure_future(asyncio.to_thread(action, *args, **kwargs))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class _Writer:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._file: BinaryIO | None = None
        self._folders: list[Path] = []

    def take(self, event: WalkEvent) -> None:
        match event:
            case FolderBegins(path):
                self.close()
                folder = self._root.joinpath(*path)
                folder.mkdir()
                self._folders.append(folder)
            case FileBegins(path):
                self.close()
                self._file = self._root.joinpath(*path).open("xb")
            case FileBytes(data):
                if self._file is not None:
                    self._file.write(data)
            case other:
                assert_never(other)

    def close(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def sync(self) -> None:
        self.close()
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
