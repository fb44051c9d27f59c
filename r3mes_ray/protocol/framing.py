"""Unambiguous bytes for hashing: every field carries its length, every integer its width."""

from __future__ import annotations

import re

from r3mes_ray.errors import InvalidInput

_HEX32 = re.compile(r"[0-9a-f]{64}")
_U32_MAX = 2**32 - 1
_U64_MAX = 2**64 - 1


def lp(field: bytes) -> bytes:
    """Prefix a field with its length: u32 big-endian ‖ bytes."""
    return u32(len(field)) + field


def u32(value: int, what: str = "u32") -> bytes:
    """Four bytes, big-endian. Raises InvalidInput, naming `what`, when the value does not fit."""
    if not 0 <= value <= _U32_MAX:
        raise InvalidInput(what, f"{value} is not an unsigned 32-bit number")
    return value.to_bytes(4, "big")


def u64(value: int, what: str = "u64") -> bytes:
    """Eight bytes, big-endian. Raises InvalidInput, naming `what`, when the value does not fit."""
    if not 0 <= value <= _U64_MAX:
        raise InvalidInput(what, f"{value} is not an unsigned 64-bit number")
    return value.to_bytes(8, "big")


def utf8(text: str, what: str) -> bytes:
    """UTF-8 of a text. Raises InvalidInput, naming `what`, for a lone surrogate."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(what, "the text cannot be written as UTF-8") from error


def hex32(text: str, what: str) -> bytes:
    """The 32 bytes of exactly 64 lower-case hex digits, never trimmed. Raises InvalidInput, naming `what`."""
    if _HEX32.fullmatch(text) is None:
        raise InvalidInput(what, f"{text[:80]!r} is not 64 lower-case hex digits")
    return bytes.fromhex(text)


def sized(field: bytes, length: int, what: str) -> bytes:
    """The field itself when it has exactly `length` bytes. Raises InvalidInput, naming `what`, otherwise."""
    if len(field) != length:
        raise InvalidInput(what, f"{len(field)} bytes, expected {length}")
    return field
