"""Keys of the predecessor: its wallet files, and its derivation that skips BIP-32.

Its files hold either `encrypted_private_key` (AES-256-GCM, nonce before the ciphertext, under PBKDF2-HMAC-SHA256 of
the password with 100,000 rounds), or, from its miner, `private_key` as plain hex digits.
"""

from __future__ import annotations

import json

import mnemonic
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import InvalidInput, WrongPassphrase
from r3mes_ray.protocol.framing import hex32

_ROUNDS = 100_000
_NONCE = 12


class WalletFile(BaseModel):
    """One file, as far as it is needed; other fields are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: str = Field("", max_length=200)
    encrypted_private_key: str = Field("", pattern="^([0-9a-fA-F]{2}){0,512}$")
    salt: str = Field("", pattern="^([0-9a-fA-F]{2}){0,64}$")
    private_key: str = Field("", max_length=70)


def read_wallet_file(text: str) -> WalletFile:
    """Parse a wallet file.

    Raises:
        InvalidInput: not JSON, or without a key; its content is not quoted.
    """
    try:
        found = WalletFile.model_validate(json.loads(text))
    except (ValueError, RecursionError) as error:
        field = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        named = f": {field[0]}" if field else ""
        raise InvalidInput("wallet file", f"not a wallet of the predecessor{named}") from None
    if not found.private_key and not (found.encrypted_private_key and found.salt):
        raise InvalidInput("wallet file", "it has no private key; without a password the predecessor kept none")
    return found


def open_wallet(wallet: WalletFile, password: str, prefix: str) -> PrivateKey:
    """The key of a wallet file; a plain one needs no password.

    Raises:
        WrongPassphrase: the password does not open it.
        InvalidInput: the key is none, or is not that of the file's address.
    """
    text = wallet.private_key or _decrypted(wallet, password)
    try:
        key = PrivateKey(hex32(text.strip().lower().removeprefix("0x"), "private key"))
    except InvalidInput:
        raise InvalidInput("wallet file", "its private key is not 64 hex digits of a secp256k1 key") from None
    if wallet.address.startswith(f"{prefix}1") and key.address(prefix) != wallet.address:
        raise InvalidInput("wallet file", f"its key is not that of its address {wallet.address}")
    return key


def raw_seed_key(words: str) -> PrivateKey:
    """The predecessor's key of a mnemonic: the first 32 bytes of the BIP-39 seed, without BIP-32.

    Raises:
        InvalidInput: words or checksum that are not BIP-39 (English).
    """
    reader = mnemonic.Mnemonic("english")
    clean = " ".join(words.lower().split())
    if not reader.check(clean):
        raise InvalidInput("mnemonic", "not BIP-39: a word is misspelt, missing, or in another place")
    return PrivateKey(bytes(reader.to_seed(clean))[:32])


def _decrypted(wallet: WalletFile, password: str) -> str:
    sealed = bytes.fromhex(wallet.encrypted_private_key)
    derived = PBKDF2HMAC(SHA256(), 32, bytes.fromhex(wallet.salt), _ROUNDS).derive(password.encode())
    try:
        return AESGCM(derived).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode("ascii")
    except (InvalidTag, ValueError):
        raise WrongPassphrase(wallet.address[:80] or "of the wallet file") from None
