"""A strict reader and a writer of the protobuf wire format, for the few messages that CIDs depend on.

Generated code accepts many encodings of one message; here each message has exactly one, so that a node that was read
and written again has the same bytes. Source: protobuf encoding guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from r3mes_ray.errors import InvalidInput

VARINT = 0
BYTES = 2
_MAX_U64 = 2**64 - 1


def fields(message: bytes, what: str, repeated: frozenset[int]) -> Iterator[tuple[int, int | bytes]]:
    """Yield `(number, value)` in the order of the bytes; varint fields are integers, others bytes.

    Raises:
        InvalidInput: a wire type other than varint and bytes, a varint that is not shortest or over 64 bits, a length
            beyond the end, or a second field of a number that is not in `repeated`.
    """
    position, seen = 0, set[int]()
    while position < len(message):
        key, position = _varint(message, position, what)
        number, wire = key >> 3, key & 7
        if number in seen and number not in repeated:
            raise InvalidInput(what, f"field {number} occurs twice")
        seen.add(number)
        value, position = _varint(message, position, what) if wire in (VARINT, BYTES) else (0, position)
        if wire == VARINT:
            yield number, value
        elif wire == BYTES:
            if value > len(message) - position:
                raise InvalidInput(what, f"field {number} claims {value} bytes, {len(message) - position} are left")
            yield number, message[position : position + value]
            position += value
        else:
            raise InvalidInput(what, f"field {number} has wire type {wire}, which is not used here")


def whole(value: int | bytes, what: str, number: int) -> int:
    """The value of a field that must be a varint."""
    if not isinstance(value, int):
        raise InvalidInput(what, f"field {number} must be a varint")
    return value


def octets(value: int | bytes, what: str, number: int) -> bytes:
    """The value of a field that must be bytes."""
    if isinstance(value, int):
        raise InvalidInput(what, f"field {number} must be bytes")
    return value


def varint_field(number: int, value: int) -> bytes:
    """One field of wire type varint."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """One field of wire type bytes."""
    return encode_varint(number << 3 | BYTES) + encode_varint(len(value)) + value


def encode_varint(value: int) -> bytes:
    """The shortest encoding of an unsigned integer (LEB128)."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(message: bytes, position: int, what: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise InvalidInput(what, "ends inside a varint")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise InvalidInput(what, "a varint is longer than it needs to be")
            if value > _MAX_U64:
                break
            return value, position
    raise InvalidInput(what, "a varint has more than 64 bits")
