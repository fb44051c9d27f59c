"""Panels of validators: absence, refusals and early resolution, each by its code."""

from __future__ import annotations

from r3mes_ray.localnet.ledger import GOV
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    BALANCES,
    CHALLENGES,
    STAKES,
    SUPPLY,
    VERIFIERS,
    u64,
)
from r3mes_ray.protocol.address import format_address, parse_address
from r3mes_ray.protocol.cid import cid_of
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


def test_panel_that_is_absent_is_slashed_and_decides_nothing(make_lab) -> None:
    lab = make_lab(verification_blocks=3)
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    verifier = CHALLENGES.get(lab.node.store, u64(0)).random_verifier
    lab.to_height(lab.node.height + 3)
    record = CHALLENGES.get(lab.node.store, u64(0))
    assert (record.layer, record.status) == (3, "cpu_verification_pending")
    assert STAKES.get(lab.node.store, parse_address(verifier, "remes")) == 99_000_000
    before = lab.balance(lab.bob)
    lab.to_height(lab.node.height + 3)
    assert CHALLENGES.get(lab.node.store, u64(0)).status == "undecided"
    assert lab.balance(lab.bob) == before + 10_000_000
    assert AGGREGATIONS.get(lab.node.store, u64(0)).status == "pending"
    absent = [VERIFIERS.get(lab.node.store, _owner(lab, key)).lazy_validation_count for key in lab.validators]
    assert absent == [1, 1, 1, 1]


def test_panel_refusals(lab) -> None:
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    lab.ok(*_verifier_says(lab, "invalid"))
    record = CHALLENGES.get(lab.node.store, u64(0))
    key = _key_of(lab, record.cpu_verification_panel[0])
    message = MsgSubmitCPUVerification(
        validator=lab.address(key), challenge_id=0, computed_hash=AGGREGATE, expected_hash=cid_of(b"other")
    )
    assert lab.code(key, message) == ("remes", 1014)
    message.expected_hash, message.computed_hash = AGGREGATE, "x"
    assert lab.code(key, message) == ("remes", 1013)
    message.computed_hash = AGGREGATE
    lab.ok(key, message)
    assert lab.code(key, message) == ("r3mes", 18)
    outside = _key_of(lab, record.random_verifier)
    message.validator = lab.address(outside)
    assert lab.code(outside, message) == ("r3mes", 17)
    message.challenge_id = 4
    assert lab.code(outside, message) == ("r3mes", 15)


def test_resolve_without_the_panel_s_verdict_is_refused(lab) -> None:
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    lab.ok(*_verifier_says(lab, "invalid"))
    _panel_says(lab, [False])
    for fraud in (True, False):
        assert lab.code(lab.bob, _resolve(lab, lab.bob, fraud)) == ("r3mes", 19)
    _panel_says(lab, [False][:0])
    assert lab.code(lab.bob, _resolve(lab, lab.bob, True, challenge_id=9)) == ("r3mes", 15)


def test_resolve_in_the_authority_s_name_needs_its_signature(lab) -> None:
    _revealed(lab)
    lab.ok(lab.bob, _challenge(lab))
    message = _resolve(lab, lab.bob, True)
    message.resolver = format_address(GOV, "remes")
    assert lab.refused(lab.sign(lab.bob, message))[0] == "sdk"
