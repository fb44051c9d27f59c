"""dag-pb: the block format of a node with links, strictly canonical both ways.

Source: IPLD dag-pb specification. Links (field 2) come before data (field 1), and a link is hash, name, size in that
order; kubo writes the name of a file's child as an empty string, and the CID depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.content import protobuf
from r3mes_ray.errors import InvalidCid, InvalidInput
from r3mes_ray.protocol.cid import CidParts, decode_cid

_DATA, _LINKS = 1, 2
_HASH, _NAME, _TSIZE = 1, 2, 3
_WHAT = "dag-pb node"


@dataclass(frozen=True, slots=True)
class Link:
    """One child: its `name` (raw bytes, empty in files) and `tsize`, the serialised bytes of all below as claimed."""

    cid: CidParts
    name: bytes
    tsize: int


@dataclass(frozen=True, slots=True)
class PbNode:
    """One dag-pb block; `data` is `None` where the field is missing."""

    links: tuple[Link, ...]
    data: bytes | None


def encode_node(node: PbNode) -> bytes:
    """The block of a node. Links are written in the order given."""
    parts = [protobuf.bytes_field(_LINKS, _encode_link(link)) for link in node.links]
    if node.data is not None:
        parts.append(protobuf.bytes_field(_DATA, node.data))
    return b"".join(parts)


def decode_node(block: bytes) -> PbNode:
    """The inverse of `encode_node`.

    Raises:
        InvalidInput: the bytes are not the one encoding of a node whose links are CIDs that are used here.
    """
    links: list[Link] = []
    data: bytes | None = None
    for number, value in protobuf.fields(block, _WHAT, frozenset({_LINKS})):
        if number == _LINKS and data is None:
            links.append(_decode_link(protobuf.octets(value, _WHAT, number)))
        elif number == _DATA:
            data = protobuf.octets(value, _WHAT, number)
        else:
            raise InvalidInput(_WHAT, "a link follows the data" if number == _LINKS else f"unknown field {number}")
    return PbNode(tuple(links), data)


def _encode_link(link: Link) -> bytes:
    return (
        protobuf.bytes_field(_HASH, link.cid.binary)
        + protobuf.bytes_field(_NAME, link.name)
        + protobuf.varint_field(_TSIZE, link.tsize)
    )


def _decode_link(message: bytes) -> Link:
    cid: CidParts | None = None
    name, tsize, last = b"", 0, 0
    for number, value in protobuf.fields(message, "dag-pb link", frozenset()):
        if number < last:
            raise InvalidInput("dag-pb link", "fields are not in order")
        last = number
        if number == _HASH:
            cid = _decode_hash(protobuf.octets(value, "dag-pb link", number))
        elif number == _NAME:
            name = protobuf.octets(value, "dag-pb link", number)
        elif number == _TSIZE:
            tsize = protobuf.whole(value, "dag-pb link", number)
        else:
            raise InvalidInput("dag-pb link", f"unknown field {number}")
    if cid is None:
        raise InvalidInput("dag-pb link", "has no hash")
    return Link(cid, name, tsize)


def _decode_hash(binary: bytes) -> CidParts:
    try:
        return decode_cid(binary)
    except InvalidCid as error:
        raise InvalidInput("dag-pb link", f"child {binary[:64].hex()}: {error.reason}") from error
