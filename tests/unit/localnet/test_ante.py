"""Every refusal of the ante, by the SDK's code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.machine import TxOutcome
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgMultiSend
from r3mes_ray.wire.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgCreateTrapJob

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _tampered(raw: bytes, signature: bytes) -> bytes:
    tx = TxRaw.FromString(raw)
    tx.signatures[0] = signature
    return tx.SerializeToString(deterministic=True)


def _high_s(raw: bytes) -> bytes:
    signature = TxRaw.FromString(raw).signatures[0]
    high = ORDER - int.from_bytes(signature[32:], "big")
    return _tampered(raw, signature[:32] + high.to_bytes(32, "big"))


def test_send_good_transaction_moves_coins_and_takes_the_fee(lab) -> None:
    before = lab.balance(lab.alice), lab.balance(lab.bob)
    response = lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob, 7))
    assert response.code == 0
    assert (lab.balance(lab.alice), lab.balance(lab.bob)) == (before[0] - 7 - 12_500, before[1] + 7)
    assert lab.sequence(lab.alice) == 1


def test_send_two_pending_of_one_account_both_enter_one_block(lab) -> None:
    first = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), sequence=0)
    second = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), sequence=1)
    assert [response.code for response in lab.block(first, second)] == [0, 0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sequence": 1}, ("sdk", 32)),
        ({"chain_id": "remes-2"}, ("sdk", 4)),
        ({"fee": 12_499}, ("sdk", 13)),
        ({"fee": 0}, ("sdk", 13)),
        ({"gas": 1_000}, ("sdk", 11)),
        ({"memo": "m" * 257}, ("sdk", 12)),
        ({"fee": 10**13}, ("sdk", 5)),
    ],
)
def test_ante_wrong_field_is_refused_by_code(lab, changes: dict, code: tuple[str, int]) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), **changes)
    assert lab.refused(raw) == code
    assert lab.node.pending == 0


def test_ante_sequence_text_names_what_is_expected(lab) -> None:
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob, 6), sequence=0)
    with pytest.raises(Refused, match="account sequence mismatch, expected 1, got 0: incorrect account sequence"):
        lab.node.add(raw)


def test_ante_timeout_height_passed_is_refused(lab) -> None:
    lab.to_height(5)
    assert lab.refused(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), timeout_height=5)) == ("sdk", 30)
    assert lab.block(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), timeout_height=6))[0].code == 0


def test_ante_unknown_account_is_refused(lab) -> None:
    assert lab.refused(lab.sign(lab.stranger, lab.transfer(lab.stranger, lab.bob))) == ("sdk", 9)


def test_ante_first_coins_create_the_account(lab) -> None:
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.stranger, 100_000))
    assert lab.deliver(lab.stranger, lab.transfer(lab.stranger, lab.bob)).code == 0


def test_ante_same_bytes_again_are_known(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    lab.node.add(raw)
    assert lab.refused(raw) == ("sdk", 19)
    lab.block()
    assert lab.refused(raw) == ("sdk", 19)


def test_ante_foreign_key_is_refused(lab) -> None:
    raw = lab.sign(lab.bob, lab.transfer(lab.alice, lab.bob), sequence=0)
    assert lab.refused(raw) == ("sdk", 8)


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\1" * 65])
def test_ante_bad_signature_is_refused(lab, signature: bytes) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    assert lab.refused(_tampered(raw, signature)) == ("sdk", 4)


def test_ante_malleated_signature_is_refused(lab) -> None:
    assert lab.refused(_high_s(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)))) == ("sdk", 4)


def test_ante_oversize_transaction_is_refused(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), memo="m" * 300_000)
    assert lab.refused(raw) == ("sdk", 21)


def test_ante_message_without_rules_is_refused_by_name(lab) -> None:
    raw = lab.sign(lab.alice, MsgCreateTrapJob(creator=lab.address(lab.alice)))
    with pytest.raises(Refused, match=r"/remes\.remes\.v1\.MsgCreateTrapJob") as caught:
        lab.node.add(raw)
    assert (caught.value.code.codespace, caught.value.code.number) == ("remes", 1010)


def test_decode_message_of_unknown_type_is_refused(lab) -> None:
    assert lab.refused(lab.sign(lab.alice, MsgMultiSend())) == ("sdk", 2)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"\0" * 100, b"\x0a\x02hi", bytes(range(256))])
def test_decode_garbage_is_refused(lab, raw: bytes) -> None:
    assert lab.refused(raw)[0] == "sdk"


def test_decode_unknown_field_in_the_body_is_refused(lab) -> None:
    tx = TxRaw.FromString(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)))
    tx.body_bytes += b"\xf8\x07\x01"
    assert lab.refused(tx.SerializeToString(deterministic=True)) == ("sdk", 2)


def test_decode_trailing_duplicate_field_is_refused(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    assert lab.refused(raw + b"\x0a\x00") == ("sdk", 2)


def test_decode_no_message_is_refused(lab) -> None:
    assert lab.refused(lab.sign(lab.alice)) == ("sdk", 18)


def test_ante_key_of_wrong_length_is_refused(lab) -> None:
    tx = TxRaw.FromString(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)))
    auth = AuthInfo.FromString(tx.auth_info_bytes)
    auth.signer_infos[0].public_key.value = PubKey(key=b"\2" * 32).SerializeToString()
    tx.auth_info_bytes = auth.SerializeToString(deterministic=True)
    assert lab.refused(tx.SerializeToString(deterministic=True)) == ("sdk", 8)


def test_deliver_failed_message_keeps_fee_and_sequence_only(lab) -> None:
    before = lab.balance(lab.alice), lab.balance(lab.bob)
    response = lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob, 3), lab.transfer(lab.alice, lab.bob, 10**12))
    assert (response.codespace, response.code) == ("sdk", 5)
    assert "message index: 1" in response.raw_log
    assert (lab.balance(lab.alice), lab.balance(lab.bob)) == (before[0] - 12_500, before[1])
    assert lab.sequence(lab.alice) == 1


def test_pending_made_impossible_by_a_block_is_dropped(lab) -> None:
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.stranger, 30_000))
    first = lab.sign(lab.stranger, lab.transfer(lab.stranger, lab.bob, 17_000))
    lab.node.add(first)
    second = lab.sign(lab.stranger, lab.transfer(lab.stranger, lab.bob, 1), sequence=1)
    lab.node.add(second)
    codes = [response.code for response in lab.block()]
    assert codes == [0, 5]


def test_simulate_tells_the_gas_that_is_used(lab) -> None:
    outcome: TxOutcome = lab.node.simulate(_tampered(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)), b""))
    response = lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    assert outcome.gas_used == response.gas_used
    assert lab.sequence(lab.alice) == 1


def test_simulate_refusal_has_the_message_s_code(lab) -> None:
    with pytest.raises(Refused) as caught:
        lab.node.simulate(lab.sign(lab.alice, lab.open_message(lab.alice)))
    assert (caught.value.code.codespace, caught.value.code.number) == ("remes", 1406)


def test_check_signature_of_cosmjs_is_accepted() -> None:
    """The bytes that CosmJS signed decode, and their signatures hold under our rules."""
    from r3mes_ray.chain.keys import verify_signature
    from r3mes_ray.localnet.decode import decode_tx

    vectors = json.loads((Path(__file__).parents[2] / "golden" / "cosmjs_transactions.json").read_text())
    for vector in vectors:
        tx = decode_tx(bytes.fromhex(vector["tx_raw"]), "remes")
        assert tx.tx_hash.hex().upper() == vector["tx_hash"]
        assert verify_signature(bytes.fromhex(vector["pubkey"]), bytes.fromhex(vector["sign_doc"]), tx.signatures[0])
        assert TxBody.FromString(tx.body_bytes).memo == vector["memo"]


def test_private_key_of_another_account_changes_nothing(lab) -> None:
    before = lab.node.store.head.state_sum
    raw = lab.sign(PrivateKey(b"\x07" * 32), lab.transfer(lab.alice, lab.bob))
    assert lab.refused(raw) == ("sdk", 8)
    assert lab.node.store.head.state_sum == before
