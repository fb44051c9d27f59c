"""Wallets of the predecessor; the encrypted one was made here with the recipe that its source states."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from r3mes_ray.chain.foreign_keys import open_wallet, raw_seed_key, read_wallet_file
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import InvalidInput, WrongPassphrase

SECRET = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"
ADDRESS = "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h"
# BIP-39's own first vector without a passphrase: these words, this seed (its first half).
WORDS = "abandon " * 11 + "about"
SEED_HEAD = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1"


def _encrypted(password: str, address: str = ADDRESS, secret: str = SECRET) -> str:
    salt, nonce = b"\x05" * 32, b"\x06" * 12
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 100_000, 32)
    sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), None)
    return json.dumps(
        {
            "address": address,
            "public_key": "",
            "encrypted_private_key": sealed.hex(),
            "encrypted_mnemonic": "",
            "salt": salt.hex(),
            "created_at": "2025-01-01T00:00:00Z",
        }
    )


def test_encrypted_wallet_opens_with_its_password() -> None:
    key = open_wallet(read_wallet_file(_encrypted("old words")), "old words", "remes")
    assert (key.address("remes"), key.secret().hex()) == (ADDRESS, SECRET)


def test_encrypted_wallet_other_password_is_refused() -> None:
    with pytest.raises(WrongPassphrase):
        open_wallet(read_wallet_file(_encrypted("old words")), "new words", "remes")


def test_plain_wallet_of_the_miner_needs_no_password() -> None:
    wallet = read_wallet_file(json.dumps({"address": "ab" * 20, "private_key": SECRET, "public_key": "cd" * 64}))
    assert open_wallet(wallet, "", "remes").address("remes") == ADDRESS


def test_wallet_with_the_address_of_another_key_is_refused() -> None:
    other = PrivateKey(b"\x01" * 32).address("remes")
    with pytest.raises(InvalidInput, match="not that of its address"):
        open_wallet(read_wallet_file(_encrypted("w", other)), "w", "remes")


def test_wallet_key_that_is_none_is_refused_and_not_quoted() -> None:
    with pytest.raises(InvalidInput) as caught:
        open_wallet(read_wallet_file(_encrypted("w", secret="secret text")), "w", "remes")
    assert "secret text" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        json.dumps({"address": ADDRESS}),
        json.dumps({"encrypted_private_key": "zz", "salt": "00"}),
        json.dumps({"encrypted_private_key": "00"}),
        json.dumps({"private_key": 5}),
    ],
)
def test_file_that_is_no_wallet_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_wallet_file(text)


def test_encrypted_wallet_cut_short_is_refused() -> None:
    wallet = json.loads(_encrypted("w"))
    wallet["encrypted_private_key"] = wallet["encrypted_private_key"][:40]
    with pytest.raises(WrongPassphrase):
        open_wallet(read_wallet_file(json.dumps(wallet)), "w", "remes")


def test_raw_seed_key_is_the_head_of_the_seed() -> None:
    assert raw_seed_key(WORDS).secret().hex() == SEED_HEAD
    with pytest.raises(InvalidInput):
        raw_seed_key("abandon about")
