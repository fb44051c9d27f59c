from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.framing import hex32, lp, sized, u32, u64, utf8


def test_lp_text_carries_big_endian_length() -> None:
    assert lp(b"r3mes") == b"\0\0\0\x05r3mes"
    assert lp(b"") == b"\0\0\0\0"


@given(st.lists(st.binary(max_size=8), max_size=5), st.lists(st.binary(max_size=8), max_size=5))
def test_lp_different_fields_never_share_bytes(first: list[bytes], second: list[bytes]) -> None:
    assert (first == second) == (b"".join(map(lp, first)) == b"".join(map(lp, second)))


@pytest.mark.parametrize("value", [-1, 2**64])
def test_u64_outside_range_is_refused(value: int) -> None:
    with pytest.raises(InvalidInput, match="round id"):
        u64(value, "round id")


def test_u64_limits_are_encoded() -> None:
    assert u64(0) == bytes(8)
    assert u64(2**64 - 1) == b"\xff" * 8


def test_u32_outside_range_is_refused() -> None:
    assert u32(2**32 - 1) == b"\xff" * 4
    with pytest.raises(InvalidInput):
        u32(2**32)


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "A" * 64, " " + "0" * 64, "0" * 64 + "\n", "0x" + "0" * 62, "０" * 64]
)
def test_hex32_other_than_canonical_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        hex32(text, "salt")


def test_hex32_canonical_is_decoded() -> None:
    assert hex32("0f" * 32, "salt") == b"\x0f" * 32


def test_sized_wrong_length_is_refused() -> None:
    assert sized(b"ab", 2, "x") == b"ab"
    with pytest.raises(InvalidInput, match="3 bytes, expected 2"):
        sized(b"abc", 2, "x")


def test_utf8_lone_surrogate_is_refused() -> None:
    assert utf8("ü", "x") == b"\xc3\xbc"
    with pytest.raises(InvalidInput):
        utf8("\ud800", "x")
