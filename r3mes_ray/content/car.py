"""CAR v1: a stream of blocks with their CIDs, as trustless gateways send whole files.

Source: IPLD CARv1 specification. The header is DAG-CBOR `{"roots": [CID], "version": 1}`; each section is a varint
length, a CID and a block.
"""

from __future__ import annotations

from r3mes_ray.content.protobuf import encode_varint
from r3mes_ray.protocol.cid import CidParts


def car_header(root: CidParts) -> bytes:
    """The first section of a CAR with one root."""
    link = b"\0" + root.binary
    header = b"\xa2\x65roots\x81\xd8\x2a\x58" + bytes([len(link)]) + link + b"\x67version\x01"
    return encode_varint(len(header)) + header


def car_section(cid: CidParts, block: bytes) -> bytes:
    """One block of a CAR."""
    return encode_varint(len(cid.binary) + len(block)) + cid.binary + block
