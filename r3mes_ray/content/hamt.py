"""Sharded directories: a trie over the hashes of the names, for folders that do not fit into one block.

Source: UnixFS specification (HAMT), with kubo's parameters: 256 children a node, one byte of murmur3-x64-64 a level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from r3mes_ray.content.dag_pb import Link
from r3mes_ray.content.murmur3 import murmur3_64
from r3mes_ray.errors import InvalidInput

FANOUT = 256
MURMUR3_X64_64 = 0x22
_LEVELS = 8

T = TypeVar("T")


def build_shards(links: Iterable[Link], node: Callable[[tuple[Link, ...], bytes], T], link: Callable[[T], Link]) -> T:
    """Build the trie from below: `node` makes a block of links and their bit field, `link` refers to what it made.

    Raises:
        InvalidInput: names whose hashes are equal in all 64 bits.
    """

    def build(entries: list[tuple[bytes, Link]], level: int) -> T:
        if level == _LEVELS:
            raise InvalidInput(repr(entries[0][1].name), "has the hash of another name in its folder")
        buckets: defaultdict[int, list[tuple[bytes, Link]]] = defaultdict(list)
        for digest, entry in entries:
            buckets[digest[level]].append((digest, entry))
        children = []
        for index, bucket in sorted(buckets.items()):
            single = len(bucket) == 1
            child = bucket[0][1] if single else link(build(bucket, level + 1))
            children.append(Link(child.cid, b"%02X" % index + (child.name if single else b""), child.tsize))
        return node(tuple(children), bit_field(buckets))

    return build([(murmur3_64(entry.name), entry) for entry in links], 0)


def bit_field(indexes: Iterable[int]) -> bytes:
    """Which of the 256 children exist: bit i of a big-endian number without leading zero bytes."""
    number = sum(1 << index for index in indexes)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def belongs(name: str, path: bytes) -> bool:
    """Whether a name's hash leads to the node at `path`, one byte a level."""
    return murmur3_64(name.encode())[: len(path)] == path
