"""The verified walk: a CID's blocks in the order of their bytes, read ahead, within limits.

What content claims of itself is checked before it is paid for: sizes before children are asked for, links before they
are followed. Every link counts as a block, a child that is linked twice counts twice, so a small set of blocks cannot
unfold into endless bytes.

Nearly all bytes are in raw leaves below a node that says how large they are. They do not pass through the event loop:
the thread that has read and hashed one hands it on.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import assert_never

from r3mes_ray.content import unixfs
from r3mes_ray.content.base import Limits
from r3mes_ray.content.blocks import BlockCarrier, BlockSource, carry
from r3mes_ray.content.hamt import belongs
from r3mes_ray.errors import ContentMalformed, ContentTimeout, ContentTooLarge
from r3mes_ray.protocol.cid import RAW, CidParts

READ_AHEAD = 8
"""Blocks that are asked for at a time; they bound the memory of a walk to some 16 MiB."""

_TOGETHER = 8
"""Leaves that a `BlockCarrier` gets at a time; one by one they take a sixth more of the processor."""


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
    """Bytes of the file that began last, and where in it they belong."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LeafTaken:
    """So many bytes of the file that began last have been taken."""

    size: int


WalkEvent = FolderBegins | FileBegins | FileBytes | LeafTaken
Take = Callable[[int, memoryview], None]
"""Takes verified bytes of the file that began last, by their place in it; called in threads, several at a time."""


@dataclass(slots=True)
class _Step:
    cid: CidParts
    depth: int
    path: tuple[str, ...] | None
    size: int | None
    shard: bytes | None = None
    offset: int = 0
    read: asyncio.Task[bytes] | asyncio.Task[None] | None = None


async def walk(root: CidParts, source: BlockSource, limits: Limits, take: Take) -> AsyncGenerator[WalkEvent]:
    """Yield directories, files and their bytes, depth first, in the order of the links.

    What comes as `LeafTaken` was given to `take`, which is never called again once this has ended.

    Raises:
        ContentNotFound, ContentCorrupt: from `source`.
        ContentMalformed: a block is no UnixFS, or a child has another size than its parent says.
        ContentTooLarge: a limit was reached.
        ContentTimeout: a block took longer than `limits.idle_timeout_s`.
    """
    state = _Walk(root, source, limits, take)
    try:
        while state.steps:
            step, block = await state.next_block()
            for event in [LeafTaken(step.size or 0)] if block is None else state.expand(step, block):
                yield event
    finally:
        await state.stop()


class _Walk:
    def __init__(self, root: CidParts, source: BlockSource, limits: Limits, take: Take) -> None:
        self._root, self._source, self._limits, self._take = root, source, limits, take
        self.steps: deque[_Step] = deque([_Step(root, 0, (), None)])
        self._blocks, self._bytes, self._running = 1, 0, 0
        # What is carried takes no memory here, so that every core may have a few.
        is_carried = isinstance(source, BlockCarrier)
        self._cores = len(os.sched_getaffinity(0))
        self._together = _TOGETHER if is_carried else 1
        self._window = _TOGETHER * (self._cores + 2) if is_carried else READ_AHEAD

    async def next_block(self) -> tuple[_Step, bytes | None]:
        """The next step with its block, or with `None` when its bytes were taken."""
        step = self.steps[0]
        if step.read is None or self._running <= self._window - self._together:
            self._start(list(islice(self.steps, self._window)))
        assert step.read is not None
        done = {step.read} if step.read.done() else set()
        if not done:
            done, _ = await asyncio.wait({step.read}, timeout=self._limits.idle_timeout_s)
        if not done:
            raise ContentTimeout(step.cid.text, self._limits.idle_timeout_s)
        block = step.read.result()
        self.steps.popleft()
        self._running -= 1
        return step, block

    def _start(self, window: list[_Step]) -> None:
        """Ask for what the window has room for, the first step in any case."""
        waiting = deque(step for step in window if step.read is None)
        together = max(1, min(self._together, len(window) // (2 * self._cores)))
        while waiting and (self._running < self._window or waiting[0] is window[0]):
            step = waiting.popleft()
            if not _is_leaf(step):
                step.read = asyncio.create_task(self._source.read(step.cid))
                self._running += 1
                continue
            group = [step]
            while waiting and _is_leaf(waiting[0]) and len(group) < together:
                group.append(waiting.popleft())
            reading = asyncio.create_task(self._carry(group))
            for step in group:
                step.read = reading
            self._running += len(group)

    async def _carry(self, group: list[_Step]) -> None:
        def taken(index: int, data: memoryview) -> None:
            _check_size(group[index], len(data))
            self._take(group[index].offset, data)

        await carry(self._source, [step.cid for step in group], taken)

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
        _check_size(step, node.size)
        events: list[WalkEvent] = []
        if step.path is not None:
            self._bytes += node.size
            if self._bytes > self._limits.max_bytes:
                raise ContentTooLarge(self._root.text, f"{self._limits.max_bytes} bytes")
            events.append(FileBegins(step.path, node.size))
        places = accumulate((child.size for child in node.children), initial=step.offset)
        self._follow(
            step,
            [
                _Step(child.cid, step.depth + 1, None, child.size, offset=place)
                for child, place in zip(node.children, places, strict=False)
            ],
        )
        if node.data:
            events.append(FileBytes(step.offset, node.data))
        return events

    def _follow(self, step: _Step, children: list[_Step]) -> None:
        self._blocks += len(children)
        if children and step.depth >= self._limits.max_depth:
            raise ContentTooLarge(self._root.text, f"{self._limits.max_depth} levels of links")
        if self._blocks > self._limits.max_blocks:
            raise ContentTooLarge(self._root.text, f"{self._limits.max_blocks} blocks")
        self.steps.extendleft(reversed(children))

    async def stop(self) -> None:
        running = {step.read for step in self.steps if step.read is not None}
        for read in running:
            read.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _is_leaf(step: _Step) -> bool:
    """Whether a step is bytes of a file and nothing else, as many as its parent says."""
    return step.cid.codec == RAW and step.size is not None


def _check_size(step: _Step, size: int) -> None:
    if step.size is not None and size != step.size:
        raise ContentMalformed(step.cid.text, f"has {size} bytes of file, its parent says {step.size}")


def _path(step: _Step) -> tuple[str, ...]:
    if step.path is None:
        raise ContentMalformed(step.cid.text, "a directory is linked as a part of a file")
    return step.path
