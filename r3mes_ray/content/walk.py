"""The verified walk: a CID's blocks in the order of their bytes, read ahead, within limits.

What content claims of itself is checked before it is paid for: sizes before children are asked for, links before they
are followed. Every link counts as a block, a child that is linked twice counts twice, so a small set of blocks cannot
unfold into endless bytes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import islice
from typing import assert_never

from r3mes_ray.content import unixfs
from r3mes_ray.content.base import Limits
from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.hamt import belongs
from r3mes_ray.errors import ContentMalformed, ContentTimeout, ContentTooLarge
from r3mes_ray.protocol.cid import CidParts

READ_AHEAD = 8
"""Blocks that are asked for at a time; they bound the memory of a walk to some 16 MiB."""


@dataclass(frozen=True, slots=True)
class FolderBegins:
    """A directory at `path` (names from the root down; empty for the root itself)."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileBegins:
    """A file of `size` bytes at `path`; its bytes follow."""

    path: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The next bytes of the file that began last."""

    data: bytes


WalkEvent = FolderBegins | FileBegins | FileBytes


@dataclass(slots=True)
class _Step:
    cid: CidParts
    depth: int
    path: tuple[str, ...] | None
    size: int | None
    shard: bytes | None = None
    read: asyncio.Task[bytes] | None = None


async def walk(root: CidParts, source: BlockSource, limits: Limits) -> AsyncGenerator[WalkEvent]:
    """Yield directories, files and their bytes, depth first, in the order of the links.

    Raises:
        ContentNotFound, ContentCorrupt: from `source`.
        ContentMalformed: a block is no UnixFS, or a child has another size than its parent says.
        ContentTooLarge: a limit was reached.
        ContentTimeout: a block took longer than `limits.idle_timeout_s`.
    """
    state = _Walk(root, source, limits)
    try:
        while state.steps:
            step, block = await state.next_block()
            for event in state.expand(step, block):
                yield event
    finally:
        await state.stop()


class _Walk:
    def __init__(self, root: CidParts, source: BlockSource, limits: Limits) -> None:
        self._root, self._source, self._limits = root, source, limits
        self.steps: deque[_Step] = deque([_Step(root, 0, (), None)])
        self._blocks, self._bytes, self._running = 1, 0, 0

    async def next_block(self) -> tuple[_Step, bytes]:
        step = self.steps[0]
        first = self._start(step)
        for later in islice(self.steps, 1, READ_AHEAD):
            if self._running >= READ_AHEAD:
                break
            self._start(later)
        done, _ = await asyncio.wait({first}, timeout=self._limits.idle_timeout_s)
        if not done:
            raise ContentTimeout(step.cid.text, self._limits.idle_timeout_s)
        block = first.result()
        self.steps.popleft()
        self._running -= 1
        return step, block

    def _start(self, step: _Step) -> asyncio.Task[bytes]:
        if step.read is None:
            step.read = asyncio.create_task(self._source.read(step.cid))
            self._running += 1
        return step.read

    def expand(self, step: _Step, block: bytes) -> list[WalkEvent]:
        node = unixfs.read_node(step.cid, block)
        if step.shard is not None and not isinstance(node, unixfs.ShardNode):
            raise ContentMalformed(step.cid.text, "a sharded directory is continued by something else")
        match node:
            case unixfs.DirectoryNode(entries):
                return self._folder(step, entries)
            case unixfs.ShardNode():
                return self._shard(step, node)
            case unixfs.FileNode():
                return self._file(step, node)
            case other:
                assert_never(other)

    def _folder(self, step: _Step, entries: tuple[unixfs.Entry, ...]) -> list[WalkEvent]:
        path = _path(step)
        self._follow(step, [_Step(entry.cid, step.depth + 1, (*path, entry.name), None) for entry in entries])
        return [FolderBegins(path)]

    def _shard(self, step: _Step, node: unixfs.ShardNode) -> list[WalkEvent]:
        path, reached = _path(step), step.shard or b""
        for index, entry in node.entries:
            if not belongs(entry.name, reached + bytes([index])):
                raise ContentMalformed(step.cid.text, f"the name {entry.name[:64]!r} is in the wrong shard")
        parts = [_Step(entry.cid, step.depth + 1, (*path, entry.name), None) for _, entry in node.entries]
        for part in node.shards:
            parts.append(_Step(part.cid, step.depth + 1, path, None, reached + bytes([part.index])))
        self._follow(step, parts)
        return [] if step.shard is not None else [FolderBegins(path)]

    def _file(self, step: _Step, node: unixfs.FileNode) -> list[WalkEvent]:
        if step.size is not None and node.size != step.size:
            raise ContentMalformed(step.cid.text, f"has {node.size} bytes of file, its parent says {step.size}")
        events: list[WalkEvent] = []
        if step.path is not None:
            self._bytes += node.size
            if self._bytes > self._limits.max_bytes:
                raise ContentTooLarge(self._root.text, f"{self._limits.max_bytes} bytes")
            events.append(FileBegins(step.path, node.size))
        self._follow(step, [_Step(child.cid, step.depth + 1, None, child.size) for child in node.children])
        if node.data:
            events.append(FileBytes(node.data))
        return events

    def _follow(self, step: _Step, children: list[_Step]) -> None:
        self._blocks += len(children)
        if children and step.depth >= self._limits.max_depth:
            raise ContentTooLarge(self._root.text, f"{self._limits.max_depth} levels of links")
        if self._blocks > self._limits.max_blocks:
            raise ContentTooLarge(self._root.text, f"{self._limits.max_blocks} blocks")
        self.steps.extendleft(reversed(children))

    async def stop(self) -> None:
        running = [step.read for step in self.steps if step.read is not None]
        for read in running:
            read.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _path(step: _Step) -> tuple[str, ...]:
    if step.path is None:
        raise ContentMalformed(step.cid.text, "a directory is linked as a part of a file")
    return step.path
