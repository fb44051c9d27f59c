"""UnixFS: what a block means as part of a file or directory.

Source: UnixFS specification. A file is a leaf with bytes, or a node whose data lists the file bytes below each child;
a directory is a node whose links have names, or a trie of such nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

from r3mes_ray.content import hamt, protobuf
from r3mes_ray.content.dag_pb import Link, PbNode, decode_node, encode_node
from r3mes_ray.errors import ContentMalformed, InvalidInput
from r3mes_ray.protocol.cid import RAW, CidParts

_TYPE, _BYTES, _FILESIZE, _BLOCKSIZE, _HASH_TYPE, _FANOUT, _MODE, _MTIME = range(1, 9)
_WHAT = "UnixFS data"
_KINDS = {3: "metadata node", 4: "symlink"}
_DIRECTORY, _FILE, _SHARD = 1, 2, 5
_INDEX = re.compile(rb"[0-9A-F]{2}")


@dataclass(frozen=True, slots=True)
class Child:
    """A part of a file: its block, and how many file bytes its parent says are below it."""

    cid: CidParts
    size: int


@dataclass(frozen=True, slots=True)
class FileNode:
    """A file or a part of one: `data` in a leaf, else `children` whose sizes sum to `size`."""

    data: bytes
    children: tuple[Child, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory."""

    name: str
    cid: CidParts


@dataclass(frozen=True, slots=True)
class DirectoryNode:
    """A directory; the names are safe to join to a path, and unique."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Shard:
    """A node below, which has the names of the directory whose hashes go on with `index`."""

    index: int
    cid: CidParts


@dataclass(frozen=True, slots=True)
class ShardNode:
    """A node of a sharded directory: names that end here, each with the index it stands at, and nodes below."""

    entries: tuple[tuple[int, Entry], ...]
    shards: tuple[Shard, ...]


Node = FileNode | DirectoryNode | ShardNode


@dataclass(frozen=True, slots=True)
class _Data:
    kind: int
    data: bytes
    filesize: int | None
    blocksizes: tuple[int, ...]
    hash_type: int | None
    fanout: int | None


def file_leaf(data: bytes) -> bytes:
    """Block of a wrapped leaf (profiles without raw leaves)."""
    return encode_node(PbNode((), _encode_data(_FILE, data, len(data), ())))


def file_parent(links: tuple[Link, ...], sizes: tuple[int, ...]) -> bytes:
    """Block of a file's node over children with `sizes` file bytes each."""
    return encode_node(PbNode(links, _encode_data(_FILE, b"", sum(sizes), sizes)))


def directory(links: tuple[Link, ...]) -> bytes:
    """Block of a directory; its links are put into the canonical order, by the bytes of their names."""
    ordered = tuple(sorted(links, key=lambda link: link.name))
    return encode_node(PbNode(ordered, _encode_data(_DIRECTORY, b"", None, ())))


def shard(links: tuple[Link, ...], bits: bytes) -> bytes:
    """Block of one node of a sharded directory."""
    data = _encode_data(_SHARD, bits, None, ())
    parameters = protobuf.varint_field(_HASH_TYPE, hamt.MURMUR3_X64_64) + protobuf.varint_field(_FANOUT, hamt.FANOUT)
    return encode_node(PbNode(links, data + parameters))


def read_node(cid: CidParts, block: bytes) -> Node:
    """What a verified block means.

    Raises:
        ContentMalformed: it is no canonical dag-pb, no UnixFS, of a kind that is not read here, contradicts itself,
            or has a name that is unsafe.
    """
    if cid.codec == RAW:
        return FileNode(block, (), len(block))
    try:
        return _interpret(decode_node(block))
    except InvalidInput as error:
        raise ContentMalformed(cid.text, str(error)) from error


def children(cid: CidParts, block: bytes) -> tuple[CidParts, ...]:
    """The blocks that a verified block links to.

    Raises:
        ContentMalformed: as for `read_node`.
    """
    return children_of(read_node(cid, block))


def children_of(node: Node) -> tuple[CidParts, ...]:
    """The blocks that a node links to."""
    match node:
        case DirectoryNode(entries):
            return tuple(entry.cid for entry in entries)
        case FileNode(children=parts):
            return tuple(part.cid for part in parts)
        case ShardNode(entries, shards):
            return (*(entry.cid for _, entry in entries), *(part.cid for part in shards))
        case other:
            assert_never(other)


def _interpret(node: PbNode) -> Node:
    if node.data is None:
        raise InvalidInput(_WHAT, "is missing")
    data = _decode_data(node.data)
    match data.kind:
        case 0 | 2:
            return _file(node, data)
        case 1:
            return _directory(node, data)
        case 5:
            return _shard(node, data)
        case kind:
            raise InvalidInput(_WHAT, f"a {_KINDS.get(kind, f'node of unknown type {kind}')} is not read here")


def _file(node: PbNode, data: _Data) -> FileNode:
    if len(node.links) != len(data.blocksizes):
        raise InvalidInput(_WHAT, f"has {len(node.links)} links, but {len(data.blocksizes)} block sizes")
    if node.links and data.data:
        raise InvalidInput(_WHAT, "a file node has both bytes and children")
    if any(link.name for link in node.links):
        raise InvalidInput(_WHAT, "a part of a file has a name")
    size = sum(data.blocksizes) + len(data.data)
    if (data.filesize is None and node.links) or data.filesize not in (None, size):
        raise InvalidInput(_WHAT, f"claims {data.filesize} bytes of file, its parts have {size}")
    children = tuple(Child(link.cid, part) for link, part in zip(node.links, data.blocksizes, strict=True))
    return FileNode(data.data, children, size)


def _directory(node: PbNode, data: _Data) -> DirectoryNode:
    if data.data or data.blocksizes or data.filesize:
        raise InvalidInput(_WHAT, "a directory has bytes of its own")
    entries = tuple(Entry(_safe_name(link.name), link.cid) for link in node.links)
    if len({entry.name for entry in entries}) != len(entries):
        raise InvalidInput("directory", "has a name twice")
    return DirectoryNode(entries)


def _shard(node: PbNode, data: _Data) -> ShardNode:
    if (data.hash_type, data.fanout) != (hamt.MURMUR3_X64_64, hamt.FANOUT):
        raise InvalidInput("sharded directory", f"hash {data.hash_type} with {data.fanout} children is not read here")
    entries: list[tuple[int, Entry]] = []
    shards: list[Shard] = []
    for link in node.links:
        if not _INDEX.fullmatch(link.name[:2]):
            raise InvalidInput("sharded directory", f"the name {link.name[:64]!r} does not begin with an index")
        index = int(link.name[:2], 16)
        if link.name[2:]:
            entries.append((index, Entry(_safe_name(link.name[2:]), link.cid)))
        else:
            shards.append(Shard(index, link.cid))
    indexes = {index for index, _ in entries} | {part.index for part in shards}
    if len(indexes) != len(node.links) or hamt.bit_field(indexes) != data.data:
        raise InvalidInput("sharded directory", "its bit field does not say what its links are")
    return ShardNode(tuple(entries), tuple(shards))


def _safe_name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("directory", f"the name {raw[:64]!r} is not UTF-8") from error
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(raw) > 255:
        raise InvalidInput("directory", f"the name {name[:64]!r} is not safe in a file system")
    return name


def _encode_data(kind: int, data: bytes, filesize: int | None, blocksizes: tuple[int, ...]) -> bytes:
    parts = [protobuf.varint_field(_TYPE, kind)]
    if data:
        parts.append(protobuf.bytes_field(_BYTES, data))
    if filesize is not None:
        parts.append(protobuf.varint_field(_FILESIZE, filesize))
    parts.extend(protobuf.varint_field(_BLOCKSIZE, size) for size in blocksizes)
    return b"".join(parts)


def _decode_data(message: bytes) -> _Data:
    kind: int | None = None
    data, filesize, blocksizes, last = b"", None, list[int](), 0
    hash_type = fanout = None
    for number, value in protobuf.fields(message, _WHAT, frozenset({_BLOCKSIZE})):
        if number < last:
            raise InvalidInput(_WHAT, "fields are not in order")
        last = number
        match number:
            case 1:
                kind = protobuf.whole(value, _WHAT, number)
            case 2:
                data = protobuf.octets(value, _WHAT, number)
            case 3:
                filesize = protobuf.whole(value, _WHAT, number)
            case 4:
                blocksizes.append(protobuf.whole(value, _WHAT, number))
            case 5:
                hash_type = protobuf.whole(value, _WHAT, number)
            case 6:
                fanout = protobuf.whole(value, _WHAT, number)
            case 7 | 8:
                continue
            case _:
                raise InvalidInput(_WHAT, f"unknown field {number}")
    if kind is None:
        raise InvalidInput(_WHAT, "has no type")
    return _Data(kind, data, filesize, tuple(blocksizes), hash_type, fanout)
