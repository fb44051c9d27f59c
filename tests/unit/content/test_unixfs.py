"""Blocks with the right hash and the wrong meaning."""

from __future__ import annotations

import hashlib

import pytest

from r3mes_ray.content.dag_pb import Link, PbNode, encode_node
from r3mes_ray.content.protobuf import bytes_field, varint_field
from r3mes_ray.content.unixfs import DirectoryNode, FileNode, file_leaf, file_parent, read_node, shard
from r3mes_ray.errors import ContentMalformed
from r3mes_ray.protocol.cid import CidParts

CHILD = CidParts(1, 0x55, hashlib.sha256(b"abc").digest())
PART = Link(CHILD, b"", 3)


def read(block):
    return read_node(CidParts(1, 0x70, hashlib.sha256(block).digest()), block)


def node(data, *links):
    return encode_node(PbNode(links, data))


def sharded(bits, *names):
    return shard(tuple(Link(CHILD, name, 3) for name in names), bits)


def directory(*names):
    return node(b"\x08\x01", *(Link(CHILD, name, 3) for name in names))


def test_read_node_empty_leaf_is_an_empty_file():
    assert file_leaf(b"") == bytes.fromhex("0a0408021800")
    assert read(file_leaf(b"")) == FileNode(b"", (), 0)


def test_read_node_parent_has_the_sizes_of_its_children():
    parsed = read(file_parent((PART, PART), (3, 3)))
    assert isinstance(parsed, FileNode)
    assert (parsed.size, [child.size for child in parsed.children]) == (6, [3, 3])


def test_read_node_with_mode_and_time_is_read():
    assert read(node(b"\x08\x01" + varint_field(7, 0o755) + bytes_field(8, b"\x08\x01"))) == DirectoryNode(())


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"", "UnixFS data: is missing"),
        (node(b""), "has no type"),
        (node(b"\x08\x03"), "a metadata node is not read here"),
        (node(b"\x08\x04" + bytes_field(2, b"/etc/passwd")), "a symlink is not read here"),
        (sharded(b"\x01", b"0Gx"), "does not begin with an index"),
        (sharded(b"\x01", b"0ax"), "does not begin with an index"),
        (sharded(b"\x01", b""), "does not begin with an index"),
        (sharded(b"\x01", b"00.."), "not safe"),
        (sharded(b"\x02", b"00x"), "bit field"),
        (sharded(b"\x03", b"00x"), "bit field"),
        (sharded(b"\x00\x01", b"00x"), "bit field"),
        (sharded(b"\x01", b"00x", b"00y"), "bit field"),
        (sharded(b"\x01", b"00", b"00y"), "bit field"),
        (node(b"\x08\x05\x28\x22\x30\x08"), "hash 34 with 8 children is not read here"),
        (node(b"\x08\x05\x28\x12\x30\x80\x02"), "hash 18 with 256 children is not read here"),
        (node(b"\x08\x05"), "hash None with None children is not read here"),
        (node(b"\x08\x63"), "unknown type 99"),
        (node(b"\x08\x02\x18\x00", PART), "has 1 links, but 0 block sizes"),
        (node(b"\x08\x02\x18\x03\x20\x03"), "has 0 links, but 1 block sizes"),
        (node(b"\x08\x02\x18\x04\x20\x03", PART), "claims 4 bytes of file, its parts have 3"),
        (node(b"\x08\x02\x20\x03", PART), "claims None bytes of file, its parts have 3"),
        (node(b"\x08\x02" + bytes_field(2, b"x") + b"\x18\x04\x20\x03", PART), "both bytes and children"),
        (node(b"\x08\x02" + bytes_field(2, b"x") + b"\x18\x02"), "claims 2 bytes of file, its parts have 1"),
        (node(b"\x08\x02\x18\x03\x20\x03", Link(CHILD, b"name", 3)), "a part of a file has a name"),
        (node(b"\x08\x02\x18\x03\x22\x01\x03", PART), "field 4 must be a varint"),
        (node(b"\x18\x00\x08\x02"), "not in order"),
        (node(b"\x08\x02\x08\x02"), "field 1 occurs twice"),
        (node(b"\x08\x02\x18\x00\x48\x01"), "unknown field 9"),
        (node(b"\x08\x01" + bytes_field(2, b"x")), "a directory has bytes of its own"),
        (directory(b".."), "not safe"),
        (directory(b"."), "not safe"),
        (directory(b""), "not safe"),
        (directory(b"a/b"), "not safe"),
        (directory(b"/etc"), "not safe"),
        (directory(b"a\0b"), "not safe"),
        (directory(b"x" * 256), "not safe"),
        (directory(b"\xff"), "not UTF-8"),
        (directory(b"a", b"a"), "has a name twice"),
    ],
)
def test_read_node_that_contradicts_itself_is_refused(block, reason):
    with pytest.raises(ContentMalformed, match=reason):
        read(block)
