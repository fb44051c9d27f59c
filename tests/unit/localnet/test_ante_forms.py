"""Transactions whose parts do not fit together: signers, keys, modes and fees, each by the SDK's code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from r3mes_ray.localnet import node as node_module
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.machine import check
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from r3mes_ray.wire.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_LEGACY_AMINO_JSON
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw

PUBKEY = "/cosmos.crypto.secp256k1.PubKey"


def _edited(raw: bytes, edit: Callable[[TxRaw, TxBody, AuthInfo], object]) -> bytes:
    """The transaction with its parts changed; checks of form come before that of the signature."""
    tx = TxRaw.FromString(raw)
    body, auth = TxBody.FromString(tx.body_bytes), AuthInfo.FromString(tx.auth_info_bytes)
    edit(tx, body, auth)
    tx.body_bytes = body.SerializeToString(deterministic=True)
    tx.auth_info_bytes = auth.SerializeToString(deterministic=True)
    return tx.SerializeToString(deterministic=True)


def _key(auth: AuthInfo, type_url: str, value: bytes) -> None:
    auth.signer_infos[0].public_key.CopyFrom(AnyMessage(type_url=type_url, value=value))


def _amino(tx: TxRaw, body: TxBody, auth: AuthInfo) -> None:
    auth.signer_infos[0].mode_info.single.mode = SIGN_MODE_LEGACY_AMINO_JSON


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda tx, body, auth: body.extension_options.append(AnyMessage(type_url="/x")), ("sdk", 37)),
        (lambda tx, body, auth: body.non_critical_extension_options.append(AnyMessage(type_url="/x")), ("sdk", 37)),
        (lambda tx, body, auth: auth.tip.SetInParent(), ("sdk", 37)),
        (_amino, ("sdk", 37)),
        (lambda tx, body, auth: setattr(auth.fee, "granter", "remes1x"), ("sdk", 37)),
        (lambda tx, body, auth: setattr(auth.fee, "payer", "remes1x"), ("sdk", 37)),
        (lambda tx, body, auth: tx.ClearField("signatures"), ("sdk", 15)),
        (lambda tx, body, auth: tx.signatures.append(b"\0" * 64), ("sdk", 4)),
        (lambda tx, body, auth: auth.signer_infos.append(auth.signer_infos[0]), ("sdk", 4)),
        (lambda tx, body, auth: auth.ClearField("signer_infos"), ("sdk", 4)),
        (lambda tx, body, auth: auth.signer_infos[0].ClearField("public_key"), ("sdk", 8)),
        (lambda tx, body, auth: _key(auth, "/cosmos.crypto.ed25519.PubKey", b""), ("sdk", 8)),
        (lambda tx, body, auth: _key(auth, PUBKEY, b"\xff"), ("sdk", 8)),
        (lambda tx, body, auth: _key(auth, PUBKEY, PubKey(key=b"\x05" * 33).SerializeToString()), ("sdk", 8)),
    ],
)
def test_ante_part_that_does_not_fit_is_refused_by_code(lab, edit, code: tuple[str, int]) -> None:
    raw = _edited(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)), edit)
    assert lab.refused(raw) == code
    assert lab.node.pending == 0


def test_decode_signer_that_is_no_address_is_refused(lab) -> None:
    assert lab.refused(lab.sign(lab.alice, MsgSend(from_address="remes1nobody"))) == ("sdk", 7)


def test_ante_more_signers_than_the_limit_are_refused(make_lab) -> None:
    lab = make_lab(max_signatures=1)
    both = (lab.transfer(lab.alice, lab.bob), lab.transfer(lab.bob, lab.alice))
    assert lab.refused(lab.sign(lab.alice, *both)) == ("sdk", 14)


def test_ante_second_signer_without_an_account_is_refused(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), lab.transfer(lab.stranger, lab.bob))

    def second(tx: TxRaw, body: TxBody, auth: AuthInfo) -> None:
        tx.signatures.append(b"\0" * 64)
        auth.signer_infos.append(auth.signer_infos[0])

    tx = TxRaw.FromString(raw)
    assert len(tx.signatures) == 1
    refused = lab.refused(_edited(raw, second))
    assert refused == ("sdk", 4)  # Alice's own signature is not over these bytes
    with pytest.raises(Refused, match="does not exist"):
        lab.node.simulate(_edited(raw, second))


def test_transaction_too_large_is_refused_wherever_it_comes_in(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), memo="m" * 300_000)
    for take in (lab.node.add, lab.node.simulate, lambda big: check(lab.node._context(), big)):
        with pytest.raises(Refused, match="tx too large"):
            take(raw)


def test_mempool_that_is_full_refuses_the_next_one(lab, monkeypatch) -> None:
    monkeypatch.setattr(node_module, "MAX_PENDING", 1)
    lab.node.add(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)))
    assert lab.refused(lab.sign(lab.bob, lab.transfer(lab.bob, lab.alice))) == ("sdk", 20)
    lab.block()
    assert lab.block(lab.sign(lab.bob, lab.transfer(lab.bob, lab.alice)))[0].code == 0


def test_next_sequence_counts_those_that_wait(lab) -> None:
    alice, stranger = (parse_address(lab.address(key), "remes") for key in (lab.alice, lab.stranger))
    number, sequence = lab.node.next_sequence(alice)
    lab.node.add(lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob)))
    assert lab.node.next_sequence(alice) == (number, sequence + 1)
    with pytest.raises(Refused, match="unknown address"):
        lab.node.next_sequence(stranger)
