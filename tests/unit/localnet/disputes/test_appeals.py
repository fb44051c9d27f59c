"""Slashes of unrevealed commitments, and appeals against them; each refusal by its code."""

from __future__ import annotations

from r3mes_ray.localnet.records import (
    NODES,
    SLASHES,
    STAKES,
    u64,
)
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAddStake
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgAppealSlashing,
    MsgSubmitCPUVerification,
)

EVIDENCE = cid_of(b"evidence")


def test_unrevealed_commitment_costs_a_tenth_of_the_stake(lab, court) -> None:
    found = lab.with_commitment()
    lab.to_height(found.reveal_end)
    record = SLASHES.get(lab.node.store, u64(0))
    assert (record.reason, record.amount.amount, record.status) == ("unrevealed:0", "1000000", "held")
    assert STAKES.get(lab.node.store, court.owner(lab.alice)) == 9_000_000
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


def _slashed(lab, court) -> None:
    court.validators()
    lab.to_height(lab.with_commitment().reveal_end)


def test_appeal_accepted_gives_the_stake_back(lab, court) -> None:
    _slashed(lab, court)
    assert lab.ok(lab.alice, _appeal(lab)).appeal_id == "0"
    judge = court.record().cpu_verification_panel[0]
    named = MsgSubmitCPUVerification(validator=judge, challenge_id=0, is_valid=True, computed_hash=EVIDENCE)
    assert lab.code(court.key_of(judge), named) == ("remes", 1014)
    court.panel_says([True, True], appeal=True)
    lab.ok(lab.alice, court.resolve(lab.alice, False))
    assert STAKES.get(lab.node.store, court.owner(lab.alice)) == 10_000_000
    node = NODES.get(lab.node.store, court.owner(lab.alice))
    assert (node.status, node.slashing_events) == (node_pb2.NODE_STATUS_ACTIVE, 0)
    assert SLASHES.get(lab.node.store, u64(0)).status == "returned"
    assert court.conserved()


def test_appeal_without_verdict_is_rejected_and_the_slash_paid(make_court) -> None:
    court = make_court(verification_blocks=3)
    lab = court.lab
    _slashed(lab, court)
    lab.ok(lab.alice, _appeal(lab))
    lab.to_height(lab.node.height + 4)
    assert SLASHES.get(lab.node.store, u64(0)).status == "paid"
    assert court.conserved()


def test_appeal_refusals(lab, court) -> None:
    _slashed(lab, court)
    assert lab.code(lab.alice, _appeal(lab, "fraud:0")) == ("r3mes", 20)
    assert lab.code(lab.alice, _appeal(lab, appeal_reason="")) == ("remes", 1019)
    assert lab.code(lab.alice, _appeal(lab, evidence_ipfs_hash="x")) == ("remes", 1013)
    assert lab.code(lab.bob, _appeal(lab, appellant=lab.address(lab.bob))) == ("r3mes", 20)
    lab.ok(lab.alice, _appeal(lab))
    assert lab.code(lab.alice, _appeal(lab)) == ("r3mes", 21)
