from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidAddress, InvalidInput
from r3mes_ray.protocol.address import address_of, format_address, parse_address

PUBKEY = bytes.fromhex("024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62")
ADDRESS = "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h"


def test_address_of_key_matches_cosmjs() -> None:
    assert address_of(PUBKEY, "remes") == ADDRESS


def test_address_of_uncompressed_key_is_refused() -> None:
    with pytest.raises(InvalidInput):
        address_of(PUBKEY + PUBKEY[:32], "remes")


def test_parse_address_of_cosmjs_gives_the_account() -> None:
    assert parse_address(ADDRESS, "remes").hex() == "28ff5c6d57d8cfd492b6fb42614536ed648e01fd"


@given(st.binary(min_size=20, max_size=20))
def test_format_address_any_account_parses_back(account: bytes) -> None:
    assert parse_address(format_address(account, "remes"), "remes") == account


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not bech32"),
        ("remes1", "not bech32"),
        (ADDRESS[:-1] + "q", "checksum"),
        (ADDRESS.upper(), "canonical"),
        (" " + ADDRESS, "not bech32"),
        ("cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4", "prefix"),
        ("remes1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq97nsuf", "bech32|20 bytes"),
    ],
)
def test_parse_address_wrong_text_is_refused_with_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason):
        parse_address(text, "remes")
