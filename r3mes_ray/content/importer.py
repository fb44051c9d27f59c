"""Files and directories into blocks: fixed chunks, balanced layout, in constant memory.

Source: kubo's balanced importer as documented by IPIP-499; the CIDs equal those of `ipfs add -r --hidden` with the same
parameters. Chunks are hashed and stored in threads (SHA-256 and fsync both leave the interpreter lock); the tree above
them is built as they come, with one open list of children a level.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from r3mes_ray.content import unixfs
from r3mes_ray.content.balanced import BalancedTree
from r3mes_ray.content.blocks import BlockSink, NoSink
from r3mes_ray.content.dag_pb import Link
from r3mes_ray.content.hamt import build_shards
from r3mes_ray.content.profile import UNIXFS_V1_2025, ImportProfile
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.cid import DAG_PB, RAW, CidParts
from r3mes_ray.types import Cid

_MAX_FOLDERS = 128


@dataclass(frozen=True, slots=True)
class Imported:
    """A finished node: its CID, the file bytes below it, and its serialised bytes with all below (`tsize`)."""

    cid: CidParts
    file_bytes: int
    tsize: int


def cid_of_path(source: Path, profile: ImportProfile = UNIXFS_V1_2025) -> Cid:
    """CID that a file or directory has, without storing it.

    Raises:
        InvalidInput: as for `import_path`.
    """
    return import_path(source, profile, NoSink()).cid.text


def import_path(source: Path, profile: ImportProfile, sink: BlockSink) -> Imported:
    """Write the blocks of a file or directory to `sink` and return its root.

    Hidden files are content like others.

    Raises:
        InvalidInput: a symbolic link or special file, a name that is not UTF-8, a file that changes while it is
            read, or folders deeper than 128.
    """
    workers = len(os.sched_getaffinity(0)) + 2
    with ThreadPoolExecutor(workers, thread_name_prefix="content-import") as pool:
        return _Importer(profile, sink, pool, 2 * workers).path(source, 0)


def import_stream(stream: BinaryIO, profile: ImportProfile, sink: BlockSink) -> Imported:
    """Write the blocks of all bytes that a buffered `stream` gives to `sink` and return the root."""
    workers = len(os.sched_getaffinity(0)) + 2
    with ThreadPoolExecutor(workers, thread_name_prefix="content-import") as pool:
        return _Importer(profile, sink, pool, 2 * workers).stream(stream)


class _Importer:
    def __init__(self, profile: ImportProfile, sink: BlockSink, pool: ThreadPoolExecutor, window: int) -> None:
        self._profile, self._sink, self._pool, self._window = profile, sink, pool, window

    def path(self, path: Path, depth: int) -> Imported:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            return self._file(path)
        if not stat.S_ISDIR(mode):
            raise InvalidInput(str(path), "is no regular file or folder (symbolic links are not followed)")
        if depth >= _MAX_FOLDERS:
            raise InvalidInput(str(path), f"lies deeper than {_MAX_FOLDERS} folders")
        return self._directory(path, depth)

    def stream(self, stream: BinaryIO) -> Imported:
        chunks = iter(lambda: stream.read(self._profile.chunk_bytes), b"")
        return self._joined(partial(self._leaf, chunk) for chunk in chunks)

    def _joined(self, leaves: Iterable[Callable[[], Imported]]) -> Imported:
        tree = BalancedTree(self._profile.max_links, self._parent)
        for leaf in self._run(leaves):
            tree.push(leaf)
        return tree.root() or self._leaf(b"")

    def _file(self, path: Path) -> Imported:
        with path.open("rb") as stream:
            descriptor = stream.fileno()
            expected = os.fstat(descriptor).st_size
            # The threads read for themselves, so that copies out of the page cache run in parallel too.
            places = range(0, expected, self._profile.chunk_bytes)
            imported = self._joined(partial(self._leaf_at, descriptor, place) for place in places)
            if os.pread(descriptor, 1, expected):
                raise InvalidInput(str(path), f"had {expected} bytes and has grown since: it changed")
        if imported.file_bytes != expected:
            raise InvalidInput(str(path), f"had {expected} bytes, but {imported.file_bytes} were read: it changed")
        return imported

    def _directory(self, folder: Path, depth: int) -> Imported:
        children = {_name(child): self.path(child, depth + 1) for child in folder.iterdir()}
        links = tuple(Link(child.cid, name, child.tsize) for name, child in children.items())
        block = unixfs.directory(links)
        file_bytes = sum(child.file_bytes for child in children.values())
        if not links or self._estimate(links, block) <= self._profile.shard_above_bytes:
            return self._node(block, file_bytes, links)
        return build_shards(
            links,
            lambda below, bits: self._node(unixfs.shard(below, bits), file_bytes, below),
            lambda made: Link(made.cid, b"", made.tsize),
        )

    def _estimate(self, links: tuple[Link, ...], block: bytes) -> int:
        if self._profile.shard_estimate == "block":
            return len(block)
        return sum(len(link.name) + len(link.cid.binary) for link in links)

    def _run(self, leaves: Iterable[Callable[[], Imported]]) -> Iterator[Imported]:
        running: deque[Future[Imported]] = deque()
        for leaf in leaves:
            running.append(self._pool.submit(leaf))
            if len(running) >= self._window:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()

    def _leaf_at(self, descriptor: int, place: int) -> Imported:
        return self._leaf(os.pread(descriptor, self._profile.chunk_bytes, place))

    def _leaf(self, chunk: bytes) -> Imported:
        if self._profile.raw_leaves:
            block, cid = chunk, CidParts(1, RAW, hashlib.sha256(chunk).digest())
        else:
            block = unixfs.file_leaf(chunk)
            cid = CidParts(self._profile.cid_version, DAG_PB, hashlib.sha256(block).digest())
        self._sink.write(cid, block)
        return Imported(cid, len(chunk), len(block))

    def _parent(self, children: list[Imported]) -> Imported:
        links = tuple(Link(child.cid, b"", child.tsize) for child in children)
        sizes = tuple(child.file_bytes for child in children)
        return self._node(unixfs.file_parent(links, sizes), sum(sizes), links)

    def _node(self, block: bytes, file_bytes: int, links: tuple[Link, ...]) -> Imported:
        cid = CidParts(self._profile.cid_version, DAG_PB, hashlib.sha256(block).digest())
        self._sink.write(cid, block)
        return Imported(cid, file_bytes, len(block) + sum(link.tsize for link in links))


def _name(path: Path) -> bytes:
    try:
        return path.name.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(repr(path), "its name is not UTF-8, so it has no place in a directory by CID") from error
