"""Arguments that name an account or a transaction."""

from __future__ import annotations

import re

from r3mes_ray.chain.keyring import Keyring
from r3mes_ray.cli.context import current
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.types import Address, TxHash

_HASH = re.compile(r"(?:0x)?([0-9A-Fa-f]{64})")


def address_argument(text: str | None) -> Address:
    """An account from its address or the name of its key; by default the key that this node signs with.

    Raises:
        InvalidAddress: it looks like an address, and is none.
        KeyNotFound: it is the name of no key.
    """
    settings = current().settings
    prefix = settings.chain.bech32_prefix
    if text is not None and text.startswith(f"{prefix}1"):
        parse_address(text, prefix)
        return Address(text)
    return Keyring.open(settings).address(text or settings.keyring.key, prefix)


def tx_hash_argument(text: str) -> TxHash:
    """A transaction's hash in its canonical text. Raises InvalidInput for anything but 64 hex digits."""
    found = _HASH.fullmatch(text)
    if found is None:
        raise InvalidInput("transaction hash", f"{text[:80]!r} is not 64 hex digits")
    return TxHash(found[1].upper())
