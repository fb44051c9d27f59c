"""Which blocks of a DAG a CAR has: `dag-scope` and `entity-bytes` of a request.

Source: IPFS trustless gateway specification. Depth first, each block once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, assert_never

from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.unixfs import DirectoryNode, FileNode, Node, ShardNode, children_of, read_node
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.cid import RAW, CidParts

_RANGE = re.compile(r"(-?[0-9]{1,19}):(-?[0-9]{1,19}|\*)")

Span = tuple[int, int]
"""Bytes of a node's file: the first, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is wanted below a root: the root alone, the file or the list of a directory, or everything.

    Attributes:
        first, last: bytes of the file that an entity is limited to, both included; negative ones count from its end,
            and no `last` is the end.
    """

    kind: Literal["block", "entity", "all"]
    first: int = 0
    last: int | None = None

    @property
    def text(self) -> str:
        """The scope in few characters, for an Etag."""
        return f"{self.kind}.{self.first}.{'*' if self.last is None else self.last}"


def parse_scope(scope: str | None, entity_bytes: str | None) -> Scope:
    """The scope of a request's parameters; a range of bytes implies an entity.

    Raises:
        InvalidInput: a parameter has no such value.
    """
    if entity_bytes is not None:
        match = _RANGE.fullmatch(entity_bytes)
        if match is None:
            raise InvalidInput("entity-bytes", "is not from:to, two whole numbers or * for the end")
        return Scope("entity", int(match[1]), None if match[2] == "*" else int(match[2]))
    match scope:
        case None | "all":
            return Scope("all")
        case "block":
            return Scope("block")
        case "entity":
            return Scope("entity")
        case _:
            raise InvalidInput("dag-scope", "is none of block, entity and all")


def span_of(scope: Scope, size: int) -> Span:
    """The bytes of a file of `size` bytes that a scope wants; none where its range is empty.

    Raises:
        InvalidInput: the range is wholly outside of the file.
    """
    first = scope.first if scope.first >= 0 else size + scope.first
    last = size - 1 if scope.last is None else scope.last if scope.last >= 0 else size + scope.last
    if size and (first >= size or last < 0):
        raise InvalidInput("entity-bytes", f"is outside of the {size} bytes of the file")
    first, end = max(first, 0), min(last + 1, size)
    return (first, end) if first < end else (0, 0)


async def scoped_blocks(
    source: BlockSource, root: CidParts, block: bytes, scope: Scope, node: Node
) -> AsyncIterator[tuple[CidParts, bytes]]:
    """Yield the blocks of a scope, the root first.

    Raises:
        ContentError: from `source`, or a block that is no UnixFS.
    """
    yield root, block
    span = span_of(scope, node.size) if scope.kind == "entity" and isinstance(node, FileNode) else None
    sent, seen = {root}, {(root, span)}
    waiting = [] if scope.kind == "block" else list(_below(node, scope, span))[::-1]
    while waiting:
        cid, span = waiting.pop()
        # A part that is linked twice may be wanted in other bytes the second time.
        if (cid, span) in seen or (cid.codec == RAW and cid in sent):
            continue
        seen.add((cid, span))
        block = await source.read(cid)
        if cid not in sent:
            sent.add(cid)
            yield cid, block
        waiting.extend(list(_below(read_node(cid, block), scope, span))[::-1])


def _below(node: Node, scope: Scope, span: Span | None) -> Iterator[tuple[CidParts, Span | None]]:
    if scope.kind == "all":
        yield from ((child, None) for child in children_of(node))
        return
    match node:
        case DirectoryNode():
            return
        case ShardNode(shards=shards):
            yield from ((part.cid, None) for part in shards)
        case FileNode():
            yield from _parts(node, (0, node.size) if span is None else span)
        case other:
            assert_never(other)


def _parts(node: FileNode, span: Span) -> Iterator[tuple[CidParts, Span | None]]:
    places = accumulate((child.size for child in node.children), initial=0)
    for child, place in zip(node.children, places, strict=False):
        first, end = max(span[0] - place, 0), min(span[1] - place, child.size)
        if first < end:
            yield child.cid, None if (first, end) == (0, child.size) else (first, end)
