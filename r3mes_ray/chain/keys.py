"""Private keys: from a mnemonic to a signature.

Sources: BIP-39 (mnemonic), BIP-32 (derivation), BIP-44 (path), SEC 2 (secp256k1). A signature is 64 bytes R‖S with
low S over the SHA-256 of the message, as the Cosmos SDK verifies it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NoReturn

import coincurve
import mnemonic

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.address import address_of
from r3mes_ray.protocol.framing import sized
from r3mes_ray.types import Address

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HARDENED = 2**31
_STEP = re.compile(r"(0|[1-9][0-9]{0,9})(['hH]?)")
_MAX_DEPTH = 16


class PrivateKey:
    """A secp256k1 key. It never prints itself, and refuses to be pickled: it does not leave its process."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes) -> None:
        if not 0 < int.from_bytes(sized(secret, 32, "private key"), "big") < _ORDER:
            raise InvalidInput("private key", "it is not between 1 and the order of secp256k1")
        self._key = coincurve.PrivateKey(secret)

    def __repr__(self) -> str:
        return "PrivateKey(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled; open it from the keyring where it is needed")

    @property
    def public_key(self) -> bytes:
        """The compressed public key, 33 bytes."""
        return bytes(self._key.public_key.format(compressed=True))

    def address(self, prefix: str) -> Address:
        """The account of this key."""
        return address_of(self.public_key, prefix)

    def sign(self, message: bytes) -> bytes:
        """Sign the SHA-256 of a message: 64 bytes R‖S, low S, the same for the same message (RFC 6979)."""
        return bytes(self._key.sign_recoverable(message)[:64])

    def secret(self) -> bytes:
        """The 32 secret bytes, for the keyring and for export."""
        return bytes(self._key.secret)


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes R‖S, low S) is of `message` by a compressed public key; never raises."""
    if len(signature) != 64 or len(public_key) != 33:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 0 < r < _ORDER or not 0 < s <= _ORDER // 2:
        return False
    try:
        return bool(coincurve.PublicKey(public_key).verify(_der(r, s), message))
    except ValueError:
        return False


def new_mnemonic() -> str:
    """A new BIP-39 mnemonic of 24 English words, from 256 random bits."""
    return str(mnemonic.Mnemonic("english").generate(256))


def hd_path(coin_type: int, account: int = 0, index: int = 0) -> str:
    """The BIP-44 path of a Cosmos account."""
    return f"m/44'/{coin_type}'/{account}'/0/{index}"


def mnemonic_key(words: str, *, coin_type: int = 118, path: str | None = None) -> PrivateKey:
    """The key of a mnemonic at `path`; by default the first account of `coin_type`.

    Raises:
        InvalidInput: words or checksum that are not BIP-39 (English), or a path that is none.
    """
    reader = mnemonic.Mnemonic("english")
    clean = " ".join(words.lower().split())
    if not reader.check(clean):
        raise InvalidInput("mnemonic", "not BIP-39: a word is misspelt, missing, or in another place")
    return seed_key(bytes(reader.to_seed(clean)), path or hd_path(coin_type))


def seed_key(seed: bytes, path: str) -> PrivateKey:
    """The key at a BIP-32 path below a seed.

    Raises:
        InvalidInput: a path that is none.
    """
    steps = parse_hd_path(path)
    secret, chain_code = _split(hmac.digest(b"Bitcoin seed", seed, hashlib.sha512))
    for step in steps:
        head = b"\0" + secret if step >= _HARDENED else PrivateKey(secret).public_key
        tweak, chain_code = _split(hmac.digest(chain_code, head + step.to_bytes(4, "big"), hashlib.sha512))
        number = int.from_bytes(tweak, "big")
        secret = ((number + int.from_bytes(secret, "big")) % _ORDER).to_bytes(32, "big")
        if number >= _ORDER:
            raise InvalidInput("HD path", f"{path} has no key (BIP-32); choose the next index")
    return PrivateKey(secret)


def parse_hd_path(path: str) -> tuple[int, ...]:
    """Steps of a path such as `m/44'/118'/0'/0/0`, hardened ones plus 2^31.

    Raises:
        InvalidInput: another text, or more than 16 steps.
    """
    root, *names = path.split("/")
    steps = [_STEP.fullmatch(name) for name in names]
    if root != "m" or not 0 < len(steps) <= _MAX_DEPTH:
        raise InvalidInput("HD path", f"{path[:80]!r} is not like m/44'/118'/0'/0/0")
    numbers: list[int] = []
    for step in steps:
        if step is None or int(step[1]) >= _HARDENED:
            raise InvalidInput("HD path", f"{path[:80]!r} is not like m/44'/118'/0'/0/0")
        numbers.append(int(step[1]) + (_HARDENED if step[2] else 0))
    return tuple(numbers)


def _split(digest: bytes) -> tuple[bytes, bytes]:
    return digest[:32], digest[32:]


def _der(r: int, s: int) -> bytes:
    body = b"".join(
        b"\x02" + bytes([len(part)]) + part
        for part in (number.to_bytes(number.bit_length() // 8 + 1, "big") for number in (r, s))
    )
    return b"\x30" + bytes([len(body)]) + body
