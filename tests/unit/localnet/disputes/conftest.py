"""A lab with a round whose aggregate can be challenged, and what the parties and the validators say then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from r3mes_ray.localnet.records import BALANCES, CHALLENGES, SUPPLY, u64
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgChallengeAggregation,
    MsgRegisterNode,
    MsgResolveChallenge,
    MsgSubmitCPUVerification,
    MsgSubmitRandomVerifierResult,
)

AGGREGATE = cid_of(b"aggregate")


class Court:
    """A lab's disputes."""

    def __init__(self, lab) -> None:
        self.lab = lab

    def owner(self, key) -> bytes:
        return parse_address(self.lab.address(key), "remes")

    def validators(self) -> None:
        """Validators besides the parties: four, with equal stake."""
        lab = self.lab
        lab.block(lab.sign(lab.dave, *(lab.transfer(lab.dave, key, 10**10) for key in lab.validators)))
        answers = lab.block(*(lab.sign(key, self.registration(key)) for key in lab.validators))
        assert [answer.code for answer in answers] == [0, 0, 0, 0]

    def registration(self, key) -> MsgRegisterNode:
        return MsgRegisterNode(
            node_address=self.lab.address(key), node_type=node_pb2.NODE_TYPE_VALIDATOR, stake="100000000uremes"
        )

    def revealed(self, *, both: bool = False):
        """Round 0 in its challenge phase, with Alice's reveal, and Dave's as the second."""
        lab = self.lab
        self.validators()
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

    def challenge(self, key=None, **changes) -> MsgChallengeAggregation:
        message = MsgChallengeAggregation(
            challenger=self.lab.address(key or self.lab.bob),
            aggregation_id=0,
            reason="it is not the mean",
            evidence_ipfs_hash=cid_of(b"evidence"),
            bond_amount=[self.lab.coin(10_000_000)],
        )
        for name, value in changes.items():
            if name == "bond_amount":
                del message.bond_amount[:]
                message.bond_amount.extend(value)
            else:
                setattr(message, name, value)
        return message

    def key_of(self, address: str):
        return next(key for key in self.lab.validators if self.lab.address(key) == address)

    def record(self, challenge_id: int = 0):
        return CHALLENGES.get(self.lab.node.store, u64(challenge_id))

    def verifier_says(self, result: str, challenge_id: int = 0):
        drawn = self.record(challenge_id).random_verifier
        return self.key_of(drawn), MsgSubmitRandomVerifierResult(
            verifier=drawn, challenge_id=challenge_id, result=result, verifier_loss="2.5"
        )

    def panel_says(self, verdicts: list[bool], challenge_id: int = 0, *, appeal: bool = False) -> None:
        record = self.record(challenge_id)
        assert record.layer == 3
        for address, is_valid in zip(record.cpu_verification_panel, verdicts, strict=False):
            message = MsgSubmitCPUVerification(
                validator=address,
                challenge_id=challenge_id,
                is_valid=is_valid,
                computed_hash="" if appeal else AGGREGATE if is_valid else cid_of(b"honest"),
                expected_hash="" if appeal else AGGREGATE,
            )
            assert self.lab.ok(self.key_of(address), message).accepted

    def resolve(self, key, fraud: bool, challenge_id: int = 0) -> MsgResolveChallenge:
        return MsgResolveChallenge(resolver=self.lab.address(key), challenge_id=challenge_id, fraud_detected=fraud)

    def conserved(self) -> bool:
        store = self.lab.node.store
        return sum(amount for _, amount in BALANCES.items(store)) == SUPPLY.get(store, b"uremes")


@pytest.fixture
def court(lab) -> Court:
    return Court(lab)


@pytest.fixture
def make_court(make_lab) -> Callable[..., Court]:
    return lambda **parameters: Court(make_lab(**parameters))
