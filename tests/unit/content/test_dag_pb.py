"""The one encoding of a node, and every other one refused."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.content.dag_pb import Link, PbNode, decode_node, encode_node
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.cid import CidParts

CHILD = CidParts(1, 0x55, hashlib.sha256(b"").digest())
LINK = b"\x12\x2a" + b"\x0a\x24" + CHILD.binary + b"\x12\x00" + b"\x18\x05"

links = st.builds(
    Link,
    st.builds(CidParts, st.just(1), st.sampled_from([0x55, 0x70]), st.binary(min_size=32, max_size=32)),
    st.binary(max_size=300),
    st.integers(0, 2**64 - 1),
)


def test_encode_node_writes_links_first_and_an_empty_name():
    assert encode_node(PbNode((Link(CHILD, b"", 5),), b"\x08\x02")) == LINK + b"\x0a\x02\x08\x02"


@given(st.builds(PbNode, st.lists(links, max_size=5).map(tuple), st.none() | st.binary(max_size=300)))
def test_decode_node_of_an_encoded_node_returns_it(node):
    assert decode_node(encode_node(node)) == node


@given(st.binary(max_size=200))
def test_decode_node_of_any_bytes_is_refused_or_means_one_thing(block):
    try:
        node = decode_node(block)
    except InvalidInput:
        return
    assert decode_node(encode_node(node)) == node


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"\x0a\x02\x08\x02" + LINK, "a link follows the data"),
        (b"\x0a\x00\x0a\x00", "field 1 occurs twice"),
        (b"\x0a\x7f", "claims 127 bytes, 0 are left"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "are left"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "more than 64 bits"),
        (b"\x0a\x80\x00", "longer than it needs to be"),
        (b"\x8a", "ends inside a varint"),
        (b"\x0d\x00\x00\x00\x00", "wire type 5"),
        (b"\x09" + bytes(8), "wire type 1"),
        (b"\x0b\x0c", "wire type 3"),
        (b"\x08\x01", "field 1 must be bytes"),
        (b"\x1a\x00", "unknown field 3"),
        (b"\x12\x00", "has no hash"),
        (b"\x12\x02\x12\x00", "has no hash"),
        (b"\x12\x04\x18\x01\x18\x01", "field 3 occurs twice"),
        (b"\x12\x04\x18\x01\x12\x00", "not in order"),
        (b"\x12\x02\x20\x01", "unknown field 4"),
        (b"\x12\x26\x0a\x24" + b"\x01\x71" + CHILD.binary[2:], "codec 0x71"),
        (b"\x12\x26\x0a\x24" + b"\x01\x55\x16\x20" + CHILD.binary[4:], "only CIDv0 and CIDv1 with a 32-byte sha2-256"),
        (b"\x12\x06\x0a\x04\x01\x55\x00\x00", "only CIDv0 and CIDv1"),
    ],
)
def test_decode_node_of_another_encoding_is_refused(block, reason):
    with pytest.raises(InvalidInput, match=reason):
        decode_node(block)
