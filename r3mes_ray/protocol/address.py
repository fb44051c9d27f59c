"""Account addresses: bech32 of ripemd160(sha256(compressed public key)).

Sources: BIP-173; Cosmos SDK, account addresses.
"""

from __future__ import annotations

import hashlib

import bech32

from r3mes_ray.errors import InvalidAddress
from r3mes_ray.protocol.framing import sized
from r3mes_ray.types import Address

ADDRESS_BYTES = 20
_COMPRESSED_KEY_BYTES = 33


def address_of(pubkey: bytes, prefix: str) -> Address:
    """Address of a compressed secp256k1 public key (33 bytes)."""
    inner = hashlib.sha256(sized(pubkey, _COMPRESSED_KEY_BYTES, "public key")).digest()
    return format_address(hashlib.new("ripemd160", inner).digest(), prefix)


def format_address(account: bytes, prefix: str) -> Address:
    """Text of an account's 20 bytes; the inverse of `parse_address`."""
    words = bech32.convertbits(sized(account, ADDRESS_BYTES, "account"), 8, 5)
    return Address(bech32.bech32_encode(prefix, words))


def parse_address(text: str, prefix: str) -> bytes:
    """The 20 bytes of an account address in canonical lower case.

    Raises:
        InvalidAddress: no bech32, a wrong checksum, another chain's prefix, or not 20 bytes.
    """
    found, words = bech32.bech32_decode(text)
    if found is None or words is None:
        raise InvalidAddress(text, "not bech32, or its checksum is wrong (a typing mistake?)")
    if found != prefix:
        raise InvalidAddress(text, f"its prefix is {found!r}, addresses of this chain start with {prefix!r}")
    account = bech32.convertbits(words, 5, 8, False)
    if account is None or len(account) != ADDRESS_BYTES:
        raise InvalidAddress(text, f"it does not hold {ADDRESS_BYTES} bytes")
    if format_address(bytes(account), prefix) != text:
        raise InvalidAddress(text, "not in canonical lower case")
    return bytes(account)
