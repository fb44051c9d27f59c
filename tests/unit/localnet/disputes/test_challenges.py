"""Challenges of aggregates: bonds, verdicts, slashing, and the reveal that takes over; each refusal by its code."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.ledger import CHALLENGE_ESCROW, SLASH_ESCROW, TREASURY, balance
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    CHALLENGES,
    EXPERTS,
    NODES,
    SLASHES,
    STAKES,
    VERIFIERS,
    u64,
)
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgSubmitRandomVerifierResult,
)

FEE = 12_500


def test_challenge_escrows_its_bond_and_draws_a_verifier(lab, court) -> None:
    court.revealed()
    before = lab.balance(lab.bob)
    assert lab.ok(lab.bob, court.challenge()).challenge_id == 0
    record = CHALLENGES.get(lab.node.store, u64(0))
    assert lab.balance(lab.bob) == before - 10_000_000 - FEE
    assert balance(lab.node.store, CHALLENGE_ESCROW, "uremes") == 10_000_000
    assert (record.layer, record.status, record.random_verifier_result) == (2, "layer2_pending", "pending")
    assert record.random_verifier in [lab.address(key) for key in lab.validators]
    assert AGGREGATIONS.get(lab.node.store, u64(0)).status == "challenged"
    assert lab.round().challenge_end == lab.node.height + 60


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aggregation_id": 5}, ("remes", 1203)),
        ({"reason": ""}, ("remes", 1019)),
        ({"reason": "x" * 1025}, ("remes", 1019)),
        ({"evidence_ipfs_hash": "Qm"}, ("remes", 1013)),
        ({"bond_amount": []}, ("sdk", 10)),
        ({"bond_amount": ["9999999"]}, ("remes", 1021)),
    ],
)
def test_challenge_bad_fields_are_refused(lab, court, changes: dict, code: tuple[str, int]) -> None:
    court.revealed()
    if "bond_amount" in changes:
        changes = {"bond_amount": [lab.coin(int(amount)) for amount in changes["bond_amount"]]}
    assert lab.code(lab.bob, court.challenge(**changes)) == code


def test_challenge_of_one_s_own_aggregate_is_refused(lab, court) -> None:
    court.revealed()
    assert lab.code(lab.alice, court.challenge(lab.alice)) == ("remes", 1014)


def test_challenge_while_one_is_open_is_refused(lab, court) -> None:
    court.revealed()
    lab.ok(lab.bob, court.challenge())
    assert lab.code(lab.carol, court.challenge(lab.carol)) == ("r3mes", 14)


def test_challenge_before_and_after_its_phase_is_refused(lab, court) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    assert lab.code(lab.bob, court.challenge()) == ("r3mes", 4)
    lab.to_height(found.challenge_end)
    assert lab.code(lab.bob, court.challenge()) == ("r3mes", 4)


def test_challenge_of_a_superseded_aggregate_is_refused(lab, court) -> None:
    court.revealed(both=True)
    assert lab.code(lab.bob, court.challenge(aggregation_id=1)) == ("remes", 1204)


def test_challenge_open_keeps_the_round_from_being_finalised(lab, court) -> None:
    found = court.revealed()
    lab.ok(lab.bob, court.challenge())
    lab.to_height(found.challenge_end + 10)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("r3mes", 4)
    assert EXPERTS.get(lab.node.store, b"python").version == 0


def test_verifier_valid_costs_the_challenger_its_bond(lab, court) -> None:
    found = court.revealed()
    lab.ok(lab.bob, court.challenge())
    key, message = court.verifier_says("valid")
    before = lab.balance(lab.alice), lab.balance(key)
    answer = lab.ok(key, message)
    assert (answer.accepted, answer.layer_3_triggered) == (True, False)
    assert lab.balance(lab.alice) == before[0] + 5_000_000
    assert lab.balance(key) == before[1] + 5_000_000 - FEE
    assert AGGREGATIONS.get(lab.node.store, u64(0)).status == "pending"
    assert lab.round().challenge_end == found.challenge_end
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    assert EXPERTS.get(lab.node.store, b"python").version == 1
    assert VERIFIERS.get(lab.node.store, court.owner(key)).successful_verifications == 1
    assert court.conserved()


def test_verifier_refusals(lab, court) -> None:
    court.revealed()
    lab.ok(lab.bob, court.challenge())
    key, message = court.verifier_says("maybe")
    assert lab.code(key, message) == ("remes", 1014)
    message.result = "invalid"
    message.gradient_hash = "zz"
    assert lab.code(key, message) == ("remes", 1012)
    message.gradient_hash = ""
    message.verifier_loss = "nan"
    assert lab.code(key, message) == ("remes", 1014)
    message.verifier_loss = ""
    message.challenge_id = 3
    assert lab.code(key, message) == ("r3mes", 15)
    message.challenge_id = 0
    other = next(k for k in lab.validators if k is not key)
    stolen = MsgSubmitRandomVerifierResult(verifier=lab.address(other), challenge_id=0, result="valid")
    assert lab.code(other, stolen) == ("r3mes", 17)
    assert lab.ok(key, message).layer_3_triggered
    assert lab.code(key, message) == ("r3mes", 16)


def test_fraud_proven_slashes_and_the_next_reveal_takes_over(lab, court) -> None:
    court.revealed(both=True)
    lab.ok(lab.bob, court.challenge())
    key, message = court.verifier_says("invalid")
    lab.ok(key, message)
    panel = CHALLENGES.get(lab.node.store, u64(0)).cpu_verification_panel
    assert len(panel) == 3
    assert lab.address(key) not in panel
    court.panel_says([False, False])
    before = lab.balance(lab.bob)
    assert lab.ok(lab.carol, court.resolve(lab.carol, True)).resolved
    assert lab.balance(lab.bob) == before + 10_000_000
    assert STAKES.get(lab.node.store, court.owner(lab.alice)) == 5_000_000
    assert NODES.get(lab.node.store, court.owner(lab.alice)).status == node_pb2.NODE_STATUS_SLASHED
    found = lab.round()
    assert (found.aggregation_id, AGGREGATIONS.get(lab.node.store, u64(0)).status) == (1, "challenged")
    assert found.challenge_end > lab.node.height
    lab.to_height(found.challenge_end)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("remes", 1204)
    lab.ok(lab.dave, lab.submit(lab.dave))
    assert EXPERTS.get(lab.node.store, b"python").version == 1
    assert court.conserved()


def test_fraud_slash_is_shared_after_the_time_for_an_appeal(make_court) -> None:
    court = make_court(appeal_blocks=5)
    lab = court.lab
    court.revealed(both=True)
    lab.ok(lab.bob, court.challenge())
    lab.ok(*court.verifier_says("invalid"))
    court.panel_says([False, False, False])
    lab.ok(lab.bob, court.resolve(lab.bob, True))
    assert balance(lab.node.store, SLASH_ESCROW, "uremes") == 5_000_000
    before, height = lab.balance(lab.bob), lab.node.height
    lab.to_height(height + 5)
    assert SLASHES.get(lab.node.store, u64(0)).status == "paid"
    assert lab.balance(lab.bob) == before + 2_500_000
    assert balance(lab.node.store, TREASURY, "uremes") == 2_500_000


def test_fraud_without_another_reveal_fails_the_round(lab, court) -> None:
    court.revealed()
    lab.ok(lab.bob, court.challenge())
    lab.ok(*court.verifier_says("invalid"))
    court.panel_says([False, False])
    lab.ok(lab.bob, court.resolve(lab.bob, True))
    assert lab.round().phase == RoundPhase.ROUND_PHASE_FAILED
    assert EXPERTS.get(lab.node.store, b"python").version == 0
