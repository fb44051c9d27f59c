"""Content identifiers: CIDv0 and CIDv1 with sha2-256, as text and as bytes.

Source: multiformats/cid. Only what the network uses is accepted: sha2-256 (0x12, 32 bytes), codecs raw (0x55) and
dag-pb (0x70), base32 lower case for v1 and base58btc for v0. Anything else is refused by name.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from r3mes_ray.errors import InvalidCid
from r3mes_ray.types import Cid

RAW = 0x55
DAG_PB = 0x70
_SHA2_256 = b"\x12\x20"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class CidParts:
    """A decoded CID: `version` 0 or 1, `codec` RAW or DAG_PB, `digest` 32 bytes of SHA-256."""

    version: int
    codec: int
    digest: bytes

    @property
    def binary(self) -> bytes:
        """The CID as bytes: 36 for v1, the bare 34-byte multihash for v0."""
        prefix = b"" if self.version == 0 else bytes((1, self.codec))
        return prefix + _SHA2_256 + self.digest

    @property
    def text(self) -> Cid:
        """The canonical text: base32 lower case for v1, base58btc for v0."""
        if self.version == 0:
            return Cid(_encode_base58(self.binary))
        return Cid("b" + base64.b32encode(self.binary).decode().lower().rstrip("="))


def cid_of(block: bytes, codec: int = RAW, version: int = 1) -> Cid:
    """CID of one block of bytes."""
    return CidParts(version, codec, hashlib.sha256(block).digest()).text


def parse_cid(text: str) -> CidParts:
    """Decode a CID's text.

    Raises:
        InvalidCid: not a CID, or of a base, version, codec or hash that the network does not use.
    """
    if text.startswith("Qm") and len(text) == 46:
        parts = decode_cid(_decode_base58(text))
    elif text.startswith("b") and text == text.lower():
        parts = decode_cid(_decode_base32(text))
    else:
        raise InvalidCid(text, "expected base32 CIDv1 (b…) in lower case, or base58 CIDv0 (Qm…)")
    if parts.text != text:
        raise InvalidCid(text, f"not in canonical form; the canonical text is {parts.text}")
    return parts


def decode_cid(binary: bytes) -> CidParts:
    """Decode a CID's bytes; the inverse of `CidParts.binary`.

    Raises:
        InvalidCid: as for `parse_cid`.
    """
    if len(binary) == 34 and binary[:2] == _SHA2_256:
        return CidParts(0, DAG_PB, binary[2:])
    if len(binary) != 36 or binary[0] != 1 or binary[2:4] != _SHA2_256:
        raise InvalidCid(binary.hex(), "only CIDv0 and CIDv1 with a 32-byte sha2-256 hash are used here")
    if binary[1] not in (RAW, DAG_PB):
        raise InvalidCid(binary.hex(), f"codec 0x{binary[1]:02x} is neither raw (0x55) nor dag-pb (0x70)")
    return CidParts(1, binary[1], binary[4:])


def parse_cid_v1(text: str) -> CidParts:
    """Decode a CID that must be a canonical CIDv1, as every CID on chain is.

    Raises:
        InvalidCid: as for `parse_cid`, and for CIDv0.
    """
    parts = parse_cid(text)
    if parts.version != 1:
        raise InvalidCid(text, "CIDv0 is not accepted on chain; convert it to base32 CIDv1")
    return parts


def _decode_base32(text: str) -> bytes:
    body = text[1:].upper()
    try:
        return base64.b32decode(body + "=" * (-len(body) % 8))
    except ValueError as error:
        raise InvalidCid(text, "not base32") from error


def _encode_base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _decode_base58(text: str) -> bytes:
    number = 0
    for char in text:
        digit = _BASE58.find(char)
        if digit < 0:
            raise InvalidCid(text, f"{char!r} is not a base58 digit")
        number = number * 58 + digit
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
