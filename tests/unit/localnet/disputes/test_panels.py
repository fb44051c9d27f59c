"""Panels of validators: absence, refusals and early resolution, each by its code."""

from __future__ import annotations

from r3mes_ray.localnet.ledger import GOV
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    CHALLENGES,
    STAKES,
    VERIFIERS,
    u64,
)
from r3mes_ray.protocol.address import format_address, parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgSubmitCPUVerification,
)

AGGREGATE = cid_of(b"aggregate")


def test_panel_that_is_absent_is_slashed_and_decides_nothing(make_court) -> None:
    court = make_court(verification_blocks=3)
    lab = court.lab
    court.revealed()
    lab.ok(lab.bob, court.challenge())
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
    absent = [VERIFIERS.get(lab.node.store, court.owner(key)).lazy_validation_count for key in lab.validators]
    assert absent == [1, 1, 1, 1]


def test_panel_refusals(lab, court) -> None:
    court.revealed()
    lab.ok(lab.bob, court.challenge())
    lab.ok(*court.verifier_says("invalid"))
    record = CHALLENGES.get(lab.node.store, u64(0))
    key = court.key_of(record.cpu_verification_panel[0])
    message = MsgSubmitCPUVerification(
        validator=lab.address(key), challenge_id=0, computed_hash=AGGREGATE, expected_hash=cid_of(b"other")
    )
    assert lab.code(key, message) == ("remes", 1014)
    message.expected_hash, message.computed_hash = AGGREGATE, "x"
    assert lab.code(key, message) == ("remes", 1013)
    message.computed_hash = AGGREGATE
    lab.ok(key, message)
    assert lab.code(key, message) == ("r3mes", 18)
    outside = court.key_of(record.random_verifier)
    message.validator = lab.address(outside)
    assert lab.code(outside, message) == ("r3mes", 17)
    message.challenge_id = 4
    assert lab.code(outside, message) == ("r3mes", 15)


def test_resolve_without_the_panel_s_verdict_is_refused(lab, court) -> None:
    court.revealed()
    lab.ok(lab.bob, court.challenge())
    lab.ok(*court.verifier_says("invalid"))
    court.panel_says([False])
    for fraud in (True, False):
        assert lab.code(lab.bob, court.resolve(lab.bob, fraud)) == ("r3mes", 19)
    court.panel_says([False][:0])
    assert lab.code(lab.bob, court.resolve(lab.bob, True, challenge_id=9)) == ("r3mes", 15)


def test_resolve_in_the_authority_s_name_needs_its_signature(lab, court) -> None:
    court.revealed()
    lab.ok(lab.bob, court.challenge())
    message = court.resolve(lab.bob, True)
    message.resolver = format_address(GOV, "remes")
    assert lab.refused(lab.sign(lab.bob, message))[0] == "sdk"
