"""Challenges of aggregates: bonds, verdicts, slashing, and the reveal that takes over; each refusal by its code."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.ledger import CHALLENGE_ESCROW, SLASH_ESCROW, TREASURY, balance
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    BALANCES,
    CHALLENGES,
    EXPERTS,
    NODES,
    SLASHES,
    STAKES,
    SUPPLY,
    VERIFIERS,
    u64,
)
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgChallengeAggregation,
    MsgRegisterNode,
    MsgResolveChallenge,
    MsgSubmitCPUVerification,
    MsgSubmitRandomVerifierResult,
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


def _revealed(lab, *, both: bool = False):
    """Round 0 in its challenge phase, with Alice's reveal, and Dave's as the second."""
    _validators(lab)
    found = lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    if both:
        lab.ok(lab.dave, lab.commit(lab.dave))
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.reveal(lab.alice))
    if both:
        lab.ok(lab.dave, lab.reveal(lab.dave, commitment_id=1))
    lab.to_height(found.reveal_end)
    return lab.round()


def _challenge(lab, key=None, **changes) -> MsgChallengeAggregation:
    message = MsgChallengeAggregation(
        challenger=lab.address(key or lab.bob),
        aggregation_id=0,
        reason="it is not the mean",
        evidence_ipfs_hash=EVIDENCE,
        bond_amount=[lab.coin(10_000_000)],
    )
    for name, value in changes.items():
        if name == "bond_amount":
            del message.bond_amount[:]
            message.bond_amount.extend(value)
        else:
            setattr(message, name, value)
    return message


def _key_of(lab, address: str):
    return next(key for key in lab.validators if lab.address(key) == address)


def _verifier_says(lab, result: str, challenge_id: int = 0):
    record = CHALLENGES.get(lab.node.store, u64(challenge_id))
    key = _key_of(lab, record.random_verifier)
    return key, MsgSubmitRandomVerifierResult(
        verifier=record.random_verifier, challenge_id=challenge_id, result=result, verifier_loss="2.5"
    )


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


def test_challenge_escrows_its_bond_and_draws_a_verifier(lab) -> None:
    _revealed(lab)
    before = lab.balance(lab.bob)
    assert lab.ok(lab.bob, _challenge(lab)).challenge_id == 0
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
def test_challenge_bad_fields_are_refused(lab, changes: dict, code: tuple[str, int]) -> None:
    _revealed(lab)
    if "bond_amount" in changes:
        changes = {"bond_amount": [lab.coin(int(amount)) for amount in changes["bond_amount"]]}
    assert lab.code(lab.bob, _challenge(lab, **changes)) == code


def test_challenge_of_one_s_own_aggregate_is_refused(lab) -> None:
    _revealed(lab)
    assert lab.code(lab.alice, _challenge(lab, lab.alice)) == ("remes", 1014)


def test_challenge_while_one_is_open_is_refused(lab) -> None:
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    assert lab.code(lab.carol, _challenge(lab, lab.carol)) == ("r3mes", 14)


def test_challenge_before_and_after_its_phase_is_refused(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    assert lab.code(lab.bob, _challenge(lab)) == ("r3mes", 4)
    lab.to_height(found.challenge_end)
    assert lab.code(lab.bob, _challenge(lab)) == ("r3mes", 4)


def test_challenge_of_a_superseded_aggregate_is_refused(lab) -> None:
    _revealed(lab, both=True)
    assert lab.code(lab.bob, _challenge(lab, aggregation_id=1)) == ("remes", 1204)


def test_challenge_open_keeps_the_round_from_being_finalised(lab) -> None:
    found = _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    lab.to_height(found.challenge_end + 10)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("r3mes", 4)
    assert EXPERTS.get(lab.node.store, b"python").version == 0


def test_verifier_valid_costs_the_challenger_its_bond(lab) -> None:
    found = _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    key, message = _verifier_says(lab, "valid")
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
    assert VERIFIERS.get(lab.node.store, _owner(lab, key)).successful_verifications == 1
    assert _conserved(lab)


def test_verifier_refusals(lab) -> None:
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    key, message = _verifier_says(lab, "maybe")
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


def test_fraud_proven_slashes_and_the_next_reveal_takes_over(lab) -> None:
    _revealed(lab, both=True)
    lab.ok(lab.bob, _challenge(lab))
    key, message = _verifier_says(lab, "invalid")
    lab.ok(key, message)
    panel = CHALLENGES.get(lab.node.store, u64(0)).cpu_verification_panel
    assert len(panel) == 3
    assert lab.address(key) not in panel
    _panel_says(lab, [False, False])
    before = lab.balance(lab.bob)
    assert lab.ok(lab.carol, _resolve(lab, lab.carol, True)).resolved
    assert lab.balance(lab.bob) == before + 10_000_000
    assert STAKES.get(lab.node.store, _owner(lab, lab.alice)) == 5_000_000
    assert NODES.get(lab.node.store, _owner(lab, lab.alice)).status == node_pb2.NODE_STATUS_SLASHED
    found = lab.round()
    assert (found.aggregation_id, AGGREGATIONS.get(lab.node.store, u64(0)).status) == (1, "challenged")
    assert found.challenge_end > lab.node.height
    lab.to_height(found.challenge_end)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("remes", 1204)
    lab.ok(lab.dave, lab.submit(lab.dave))
    assert EXPERTS.get(lab.node.store, b"python").version == 1
    assert _conserved(lab)


def test_fraud_slash_is_shared_after_the_time_for_an_appeal(make_lab) -> None:
    lab = make_lab(appeal_blocks=5)
    _revealed(lab, both=True)
    lab.ok(lab.bob, _challenge(lab))
    lab.ok(*_verifier_says(lab, "invalid"))
    _panel_says(lab, [False, False, False])
    lab.ok(lab.bob, _resolve(lab, lab.bob, True))
    assert balance(lab.node.store, SLASH_ESCROW, "uremes") == 5_000_000
    before, height = lab.balance(lab.bob), lab.node.height
    lab.to_height(height + 5)
    assert SLASHES.get(lab.node.store, u64(0)).status == "paid"
    assert lab.balance(lab.bob) == before + 2_500_000
    assert balance(lab.node.store, TREASURY, "uremes") == 2_500_000


def test_fraud_without_another_reveal_fails_the_round(lab) -> None:
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    lab.ok(*_verifier_says(lab, "invalid"))
    _panel_says(lab, [False, False])
    lab.ok(lab.bob, _resolve(lab, lab.bob, True))
    assert lab.round().phase == RoundPhase.ROUND_PHASE_FAILED
    assert EXPERTS.get(lab.node.store, b"python").version == 0
