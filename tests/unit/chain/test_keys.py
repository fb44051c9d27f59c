from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.chain.keys import (
    PrivateKey,
    hd_path,
    mnemonic_key,
    new_mnemonic,
    parse_hd_path,
    seed_key,
    verify_signature,
)
from r3mes_ray.errors import InvalidInput

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
VECTORS = json.loads((Path(__file__).parents[2] / "golden" / "cosmjs_transactions.json").read_text())
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_mnemonic_key_cosmjs_vectors_match(vector: dict[str, str]) -> None:
    key = mnemonic_key(vector["mnemonic"], path=vector["path"])
    assert key.secret().hex() == vector["privkey"]
    assert key.public_key.hex() == vector["pubkey"]
    assert key.address("remes") == vector["address"]


def test_mnemonic_key_coin_type_changes_the_key() -> None:
    assert mnemonic_key(WORDS).secret().hex() == VECTORS[0]["privkey"]
    assert mnemonic_key(WORDS, coin_type=9999).secret() == mnemonic_key(WORDS, path="m/44'/9999'/0'/0/0").secret()
    assert mnemonic_key(WORDS, coin_type=9999).secret() != mnemonic_key(WORDS).secret()


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("m/0'", "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"),
        ("m/0'/1", "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368"),
        ("m/0'/1/2'", "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca"),
        ("m/0h/1/2H/2", "0f479245fb19a38a1954c5c7c0ebab2f9bdfd96a17563ef28a6a4b1a2a764ef4"),
        ("m/0'/1/2'/2/1000000000", "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8"),
    ],
)
def test_seed_key_bip32_vector_1_matches(path: str, secret: str) -> None:
    assert seed_key(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), path).secret().hex() == secret


def test_new_mnemonic_has_24_words_that_make_a_key() -> None:
    words = new_mnemonic()
    assert len(words.split()) == 24
    assert words != new_mnemonic()
    assert mnemonic_key(f"  {words.upper()}\n").secret() == mnemonic_key(words).secret()


@pytest.mark.parametrize(
    "words", ["", "abandon", WORDS.replace("about", "abandon"), WORDS.replace("about", "abut"), "x" * 10000]
)
def test_mnemonic_key_wrong_words_are_refused(words: str) -> None:
    with pytest.raises(InvalidInput, match="mnemonic"):
        mnemonic_key(words)


@pytest.mark.parametrize(
    "path", ["", "m", "m/", "44'/118'", "m/a", "m/01", "m/-1", "m/2147483648", "m/1''", "m/1/", "M/1", "m" + "/1" * 17]
)
def test_parse_hd_path_other_text_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="HD path"):
        parse_hd_path(path)


def test_parse_hd_path_hardened_steps_are_marked() -> None:
    assert parse_hd_path(hd_path(118, 2, 7)) == (2**31 + 44, 2**31 + 118, 2**31 + 2, 0, 7)


@pytest.mark.parametrize("secret", [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, bytes(31), bytes(33)])
def test_private_key_outside_the_curve_is_refused(secret: bytes) -> None:
    with pytest.raises(InvalidInput):
        PrivateKey(secret)


def test_private_key_never_shows_or_leaves() -> None:
    key = mnemonic_key(WORDS)
    assert key.secret().hex() not in f"{key} {key!r} {[key]}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


@given(st.binary(max_size=200))
def test_sign_any_message_verifies_with_low_s_and_is_the_same_again(message: bytes) -> None:
    key = mnemonic_key(WORDS)
    signature = key.sign(message)
    assert len(signature) == 64
    assert int.from_bytes(signature[32:], "big") <= ORDER // 2
    assert signature == key.sign(message)
    assert verify_signature(key.public_key, message, signature)
    assert not verify_signature(key.public_key, message + b"x", signature)


def test_verify_signature_cosmjs_signature_is_accepted() -> None:
    for vector in VECTORS:
        document, signature = bytes.fromhex(vector["sign_doc"]), bytes.fromhex(vector["signature"])
        assert verify_signature(bytes.fromhex(vector["pubkey"]), document, signature)


def test_verify_signature_high_s_is_refused() -> None:
    key = mnemonic_key(WORDS)
    signature = key.sign(b"m")
    mirrored = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert not verify_signature(key.public_key, b"m", mirrored)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
def test_verify_signature_no_signature_is_refused(signature: bytes) -> None:
    assert not verify_signature(mnemonic_key(WORDS).public_key, b"m", signature)


@pytest.mark.parametrize("public_key", [b"", bytes(33), b"\x02" + b"\xff" * 32])
def test_verify_signature_no_key_is_refused(public_key: bytes) -> None:
    assert not verify_signature(public_key, b"m", mnemonic_key(WORDS).sign(b"m"))
