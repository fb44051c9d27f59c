"""CAR v1: a stream of blocks with their CIDs, as trustless gateways send whole files.

Source: IPLD CARv1 specification. The header is DAG-CBOR `{"roots": [CID], "version": 1}`; each section is a varint
length, a CID and a block.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from r3mes_ray.content.blocks import MAX_BLOCK_BYTES, verify_arrived
from r3mes_ray.content.protobuf import encode_varint
from r3mes_ray.errors import ContentUnavailable, InvalidCid
from r3mes_ray.protocol.cid import CidParts, decode_cid

_MAX_HEADER_BYTES = 4096
_V0_BYTES, _V1_BYTES = 34, 36


def car_header(root: CidParts) -> bytes:
    """The first section of a CAR with one root."""
    link = b"\0" + root.binary
    header = b"\xa2\x65roots\x81\xd8\x2a\x58" + bytes([len(link)]) + link + b"\x67version\x01"
    return encode_varint(len(header)) + header


def car_section(cid: CidParts, block: bytes) -> bytes:
    """One block of a CAR."""
    return encode_varint(len(cid.binary) + len(block)) + cid.binary + block


async def read_car(parts: AsyncIterator[bytes], source: str) -> AsyncGenerator[tuple[CidParts, bytes]]:
    """Yield the verified blocks of a CAR as it arrives; the roots that it names are ignored, as they prove nothing.

    Holds one block. A stream that ends between two sections ends the blocks: whether all are there shows elsewhere.

    Raises:
        ContentCorrupt: a block does not have the hash of its CID.
        ContentUnavailable: it is no CAR v1, ends inside a section, or has one of a length or CID that is not used.
    """
    stream = _Stream(parts, source)
    length = await stream.varint(_MAX_HEADER_BYTES)
    header = await stream.take(length or 0)
    if not (header.startswith(b"\xa2\x65roots") and header.endswith(b"\x67version\x01")):
        raise ContentUnavailable(source, "sends no CAR of version 1")
    while (length := await stream.varint(_V1_BYTES + MAX_BLOCK_BYTES)) is not None:
        binary = await stream.take(min(length, _V0_BYTES))
        if binary[:1] == b"\x01":
            binary += await stream.take(min(length, _V1_BYTES) - len(binary))
        try:
            cid = decode_cid(binary)
        except InvalidCid as error:
            raise ContentUnavailable(source, f"sends a CAR with a block of another kind: {error}") from error
        yield cid, await verify_arrived(cid, await stream.take(length - len(binary)), source)


class _Stream:
    def __init__(self, parts: AsyncIterator[bytes], source: str) -> None:
        self._parts, self._source = parts, source
        self._held = memoryview(b"")

    async def take(self, size: int) -> bytes:
        # One buffer, not a list: its parts may be of a byte each.
        taken = bytearray()
        while len(taken) < size:
            if not self._held and not await self._fill():
                raise ContentUnavailable(self._source, "sends a CAR that ends inside a section")
            missing = size - len(taken)
            taken += self._held[:missing]
            self._held = self._held[missing:]
        return bytes(taken)

    async def varint(self, most: int) -> int | None:
        """The next length, or `None` where the stream ends."""
        if not self._held and not await self._fill():
            return None
        value = 0
        for shift in range(0, 28, 7):
            byte = (await self.take(1))[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        if byte >= 0x80 or value > most:
            raise ContentUnavailable(self._source, f"sends a CAR with a section of more than {most} bytes")
        return value

    async def _fill(self) -> bool:
        async for part in self._parts:
            if part:
                self._held = memoryview(part)
                return True
        return False
