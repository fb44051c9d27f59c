"""Transactions as files."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.chain.document import read_document, read_signed, signed_content, signed_document, unsigned_document
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, coin_messages, sign_tx
from r3mes_ray.errors import InvalidInput
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend

VECTORS = json.loads((Path(__file__).parents[2] / "golden" / "cosmjs_transactions.json").read_text())
KEY = PrivateKey(b"\x07" * 32)
TERMS = Terms(77_777, (Coin(500, "uremes"),), "for you", 12)


def _send() -> MsgSend:
    amount = coin_messages([Coin(5, "uremes")])
    return MsgSend(from_address=KEY.address("remes"), to_address=KEY.address("remes"), amount=amount)


def test_unsigned_document_read_back_signs_to_the_same_bytes() -> None:
    document = json.dumps(unsigned_document([_send()], TERMS))
    assert json.loads(document)["body"]["messages"][0]["@type"] == "/cosmos.bank.v1beta1.MsgSend"
    assert json.loads(document)["auth_info"]["fee"]["gas_limit"] == "77777"
    messages, terms = read_document(document)
    assert terms == TERMS
    signer = Signer("remes-test", 3, 4)
    assert sign_tx(KEY, messages, signer, terms) == sign_tx(KEY, [_send()], signer, TERMS)


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_signed_transaction_of_cosmjs_is_read_in_each_encoding(vector: dict[str, str]) -> None:
    raw = bytes.fromhex(vector["tx_raw"])
    document = signed_document(read_signed(vector["tx_raw"]))
    assert document == {"tx_bytes": base64.b64encode(raw).decode(), "txhash": vector["tx_hash"]}
    for text in (json.dumps(document), document["tx_bytes"], vector["tx_raw"] + "\n"):
        found = read_signed(text)
        assert (found.raw, found.tx_hash, found.sequence) == (raw, vector["tx_hash"], vector["sequence"])
    content = signed_content(found)
    assert content["body"]["memo"] == vector["memo"]
    assert content["body"]["messages"][0]["to_address"] == vector["to"]


def _changed(**changes: object) -> str:
    document = unsigned_document([_send()], TERMS)
    return json.dumps({**document, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        _changed(body={"messages": []}),
        _changed(body={"messages": [{"@type": "/nobody.knows.Msg"}]}),
        _changed(body={"messages": [{"no_type": 1}]}),
        _changed(auth_info={"fee": {"amount": [{"denom": "u", "amount": "-5"}], "gas_limit": "1"}}),
        _changed(auth_info={"fee": {"payer": "remes1x"}}),
        _changed(surprise=1),
    ],
)
def test_document_that_is_no_unsigned_transaction_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_document(text)


@pytest.mark.parametrize("text", ["", "{}", '{"tx_bytes": 5}', "zz", "ff", "AAAA", '{"tx_bytes": ""}'])
def test_text_that_is_no_signed_transaction_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_signed(text)


@given(st.text(max_size=200) | st.binary(max_size=200).map(bytes.hex))
def test_any_text_is_an_answer_or_a_refusal(text: str) -> None:
    for read in (read_document, read_signed):
        try:
            read(text)
        except InvalidInput:
            continue
