"""`protocol.address`, remembering what it converted: bech32 in Python was 60 % of a block's time."""

from __future__ import annotations

from functools import lru_cache

from r3mes_ray.protocol import address
from r3mes_ray.types import Address

_REMEMBERED = 65_536


@lru_cache(maxsize=_REMEMBERED)
def format_address(account: bytes, prefix: str) -> Address:
    """Text of an account's 20 bytes."""
    return address.format_address(account, prefix)


@lru_cache(maxsize=_REMEMBERED)
def parse_address(text: str, prefix: str) -> bytes:
    """The 20 bytes of an account address in canonical text. Raises InvalidAddress."""
    return address.parse_address(text, prefix)


@lru_cache(maxsize=_REMEMBERED)
def address_of(pubkey: bytes, prefix: str) -> Address:
    """Address of a compressed secp256k1 public key."""
    return address.address_of(pubkey, prefix)
