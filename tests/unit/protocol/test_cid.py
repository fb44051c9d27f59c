from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidCid
from r3mes_ray.protocol.cid import DAG_PB, RAW, CidParts, cid_of, decode_cid, parse_cid, parse_cid_v1

HELLO = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"
HELLO_V0 = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"


def test_cid_of_raw_block_matches_kubo() -> None:
    assert cid_of(b"hello world\n") == HELLO
    assert cid_of(b"") == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_cid_of_unixfs_leaf_as_version_0_matches_kubo() -> None:
    block = bytes.fromhex("0a120802120c") + b"hello world\n" + bytes.fromhex("180c")
    assert cid_of(block, DAG_PB, version=0) == HELLO_V0


@given(st.sampled_from([(0, DAG_PB), (1, DAG_PB), (1, RAW)]), st.binary(min_size=32, max_size=32))
def test_parse_cid_any_text_and_binary_round_trip(kind: tuple[int, int], digest: bytes) -> None:
    parts = CidParts(*kind, digest)
    assert parse_cid(parts.text) == parts
    assert decode_cid(parts.binary) == parts


def test_parse_cid_digest_of_zeros_round_trips_in_version_0() -> None:
    assert parse_cid(CidParts(0, DAG_PB, bytes(32)).text).digest == bytes(32)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected base32"),
        ("hello", "expected base32"),
        (HELLO.upper(), "expected base32"),
        (" " + HELLO, "expected base32"),
        (HELLO + " ", "not base32"),
        (HELLO + "=", "not base32|canonical"),
        ("b" + "1" * 58, "not base32"),
        (HELLO[:-1], "."),
        (HELLO_V0[:-1] + "0", "not a base58 digit"),
        ("Qm" + "z" * 44, "."),
        ("zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA", "expected base32"),
    ],
)
def test_parse_cid_other_text_is_refused_with_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidCid, match=reason):
        parse_cid(text)


def test_parse_cid_unused_trailing_bits_are_refused_as_not_canonical() -> None:
    with pytest.raises(InvalidCid, match="canonical"):
        parse_cid(HELLO[:-1] + "5")


@pytest.mark.parametrize(
    ("binary", "reason"),
    [
        (b"", "only CIDv0 and CIDv1"),
        (bytes((1, 0x71, 0x12, 0x20)) + bytes(32), "codec 0x71"),
        (bytes((1, RAW, 0x13, 0x20)) + bytes(32), "sha2-256"),
        (bytes((2, RAW, 0x12, 0x20)) + bytes(32), "sha2-256"),
        (bytes((1, RAW, 0x12, 0x20)) + bytes(33), "sha2-256"),
    ],
)
def test_decode_cid_other_bytes_are_refused_with_reason(binary: bytes, reason: str) -> None:
    with pytest.raises(InvalidCid, match=reason):
        decode_cid(binary)


@given(st.text(max_size=70))
def test_parse_cid_any_text_gives_a_cid_or_our_error(text: str) -> None:
    with contextlib.suppress(InvalidCid):
        assert parse_cid(text).text == text


def test_parse_cid_v1_version_0_is_refused() -> None:
    assert parse_cid_v1(HELLO).codec == RAW
    with pytest.raises(InvalidCid, match="CIDv0"):
        parse_cid_v1(HELLO_V0)
