from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from r3mes_ray.chain.keys import mnemonic_key
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, auth_info_bytes, body_bytes, coin_messages, pack_any, sign_bytes, sign_tx
from r3mes_ray.errors import InvalidInput
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend

VECTORS = json.loads((Path(__file__).parents[2] / "golden" / "cosmjs_transactions.json").read_text())


def coins(entries: list[dict[str, str]]) -> tuple[Coin, ...]:
    return tuple(Coin(int(entry["amount"]), entry["denom"]) for entry in entries)


def parts(vector: dict[str, Any]) -> tuple[MsgSend, Signer, Terms]:
    message = MsgSend(
        from_address=vector["address"], to_address=vector["to"], amount=coin_messages(coins(vector["amount"]))
    )
    signer = Signer(vector["chain_id"], int(vector["account_number"]), vector["sequence"])
    return message, signer, Terms(vector["gas"], coins(vector["fee"]), vector["memo"])


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_sign_tx_cosmjs_vector_is_equal_byte_for_byte(vector: dict[str, Any]) -> None:
    key = mnemonic_key(vector["mnemonic"], path=vector["path"])
    message, signer, terms = parts(vector)
    body, auth_info = body_bytes([message], terms), auth_info_bytes(key.public_key, signer.sequence, terms)
    assert sign_bytes(body, auth_info, signer).hex() == vector["sign_doc"]
    signed = sign_tx(key, [message], signer, terms)
    assert signed.raw.hex() == vector["tx_raw"]
    assert signed.tx_hash == vector["tx_hash"]
    assert signed.sequence == vector["sequence"]
    assert vector["signature"] in signed.raw.hex()


def test_sign_tx_timeout_height_is_in_the_body_and_the_record() -> None:
    key = mnemonic_key(VECTORS[0]["mnemonic"])
    message, signer, _ = parts(VECTORS[0])
    signed = sign_tx(key, [message], signer, Terms(gas=1, timeout_height=77))
    assert signed.timeout_height == 77
    assert b"\x18\x4d" in body_bytes([message], Terms(gas=1, timeout_height=77))


@pytest.mark.parametrize("signer", [Signer("c", 0, -1), Signer("c", -1, 0), Signer("c", 2**64, 0)])
def test_sign_tx_number_outside_64_bits_is_refused(signer: Signer) -> None:
    key = mnemonic_key(VECTORS[0]["mnemonic"])
    with pytest.raises(InvalidInput):
        sign_tx(key, [], signer, Terms(gas=1))


def test_sign_tx_message_that_is_packed_already_gives_the_same_bytes() -> None:
    key = mnemonic_key(VECTORS[0]["mnemonic"])
    message, signer, terms = parts(VECTORS[0])
    assert sign_tx(key, [pack_any(message)], signer, terms) == sign_tx(key, [message], signer, terms)
