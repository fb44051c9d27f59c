"""Slashes of unrevealed commitments, and appeals against them; each refusal by its code."""

from __future__ import annotations

from r3mes_ray.localnet.records import (
    BALANCES,
    CHALLENGES,
    NODES,
    SLASHES,
    STAKES,
    SUPPLY,
    u64,
)
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAddStake
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgAppealSlashing,
    MsgRegisterNode,
    MsgResolveChallenge,
    MsgSubmitCPUVerification,
)

EVIDENCE = cid_of(b"evidence")
AGGREGATE = cid_of(b"aggregate")
FEE = 12_500


def _owner(lab, key) -> bytes:
    return parse_address(lab.address(key), "remes")


def _validators(lab) -> None:
    """Validators besides the parties: four, with equal stake."""
    sends = [lab.transfer(lab.dave, key, 10**10) for key in lab.validators]
    lab.block(lab.sign(lab.dave, *sends))
    for key in lab.validators:
        message = MsgRegisterNode(
            node_address=lab.address(key), node_type=node_pb2.NODE_TYPE_VALIDATOR, stake="100000000uremes"
        )
        lab.ok(key, message)


def _key_of(lab, address: str):
    return next(key for key in lab.validators if lab.address(key) == address)


def _panel_says(lab, verdicts: list[bool], challenge_id: int = 0, *, appeal: bool = False) -> None:
    record = CHALLENGES.get(lab.node.store, u64(challenge_id))
    assert record.layer == 3
    for address, is_valid in zip(record.cpu_verification_panel, verdicts, strict=False):
        message = MsgSubmitCPUVerification(
            validator=address,
            challenge_id=challenge_id,
            is_valid=is_valid,
            computed_hash="" if appeal else AGGREGATE if is_valid else cid_of(b"honest"),
            expected_hash="" if appeal else AGGREGATE,
        )
        assert lab.ok(_key_of(lab, address), message).accepted


def _resolve(lab, key, fraud: bool, challenge_id: int = 0) -> MsgResolveChallenge:
    return MsgResolveChallenge(resolver=lab.address(key), challenge_id=challenge_id, fraud_detected=fraud)


def _conserved(lab) -> bool:
    return sum(amount for _, amount in BALANCES.items(lab.node.store)) == SUPPLY.get(lab.node.store, b"uremes")


def test_unrevealed_commitment_costs_a_tenth_of_the_stake(lab) -> None:
    found = lab.with_commitment()
    lab.to_height(found.reveal_end)
    record = SLASHES.get(lab.node.store, u64(0))
    assert (record.reason, record.amount.amount, record.status) == ("unrevealed:0", "1000000", "held")
    assert STAKES.get(lab.node.store, _owner(lab, lab.alice)) == 9_000_000
    assert lab.code(lab.alice, lab.open_message(lab.alice)) == ("remes", 1406)
    lab.ok(lab.alice, MsgAddStake(node_address=lab.address(lab.alice), amount=lab.coin(1_000_000)))
    assert lab.ok(lab.alice, lab.open_message(lab.alice)).round_id == 1


def _appeal(lab, reason: str = "unrevealed:0", **changes) -> MsgAppealSlashing:
    message = MsgAppealSlashing(
        appellant=lab.address(lab.alice), slashing_reason=reason, appeal_reason="power cut", evidence_ipfs_hash=EVIDENCE
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def _slashed(lab) -> None:
    _validators(lab)
    lab.to_height(lab.with_commitment().reveal_end)


def test_appeal_accepted_gives_the_stake_back(lab) -> None:
    _slashed(lab)
    assert lab.ok(lab.alice, _appeal(lab)).appeal_id == "0"
    _panel_says(lab, [True, True], appeal=True)
    lab.ok(lab.alice, _resolve(lab, lab.alice, False))
    assert STAKES.get(lab.node.store, _owner(lab, lab.alice)) == 10_000_000
    node = NODES.get(lab.node.store, _owner(lab, lab.alice))
    assert (node.status, node.slashing_events) == (node_pb2.NODE_STATUS_ACTIVE, 0)
    assert SLASHES.get(lab.node.store, u64(0)).status == "returned"
    assert _conserved(lab)


def test_appeal_without_verdict_is_rejected_and_the_slash_paid(make_lab) -> None:
    lab = make_lab(verification_blocks=3)
    _slashed(lab)
    lab.ok(lab.alice, _appeal(lab))
    lab.to_height(lab.node.height + 4)
    assert SLASHES.get(lab.node.store, u64(0)).status == "paid"
    assert _conserved(lab)


def test_appeal_refusals(lab) -> None:
    _slashed(lab)
    assert lab.code(lab.alice, _appeal(lab, "fraud:0")) == ("r3mes", 20)
    assert lab.code(lab.alice, _appeal(lab, appeal_reason="")) == ("remes", 1019)
    assert lab.code(lab.alice, _appeal(lab, evidence_ipfs_hash="x")) == ("remes", 1013)
    assert lab.code(lab.bob, _appeal(lab, appellant=lab.address(lab.bob))) == ("r3mes", 20)
    lab.ok(lab.alice, _appeal(lab))
    assert lab.code(lab.alice, _appeal(lab)) == ("r3mes", 21)
