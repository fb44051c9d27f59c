"""What weighs an update is written down at the end of the submit phase, and nothing moves it afterwards."""

from __future__ import annotations

from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.localnet.queries.r3mes import round_weights
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.types import RoundId
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryRoundWeightsRequest
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAddStake, MsgWithdrawStake
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_TYPE_MINING
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgRegisterNode


def _weights(lab, round_id: int = 0) -> list[tuple[int, str, int, str]]:
    answer = round_weights(lab.node, QueryRoundWeightsRequest(round_id=round_id))
    return [(entry.gradient_id, entry.miner, entry.trust, entry.stake.amount) for entry in answer.weights]


def _mining(lab, key, stake: int) -> MsgRegisterNode:
    return MsgRegisterNode(
        node_address=lab.address(key), node_type=NODE_TYPE_MINING, stake=f"{stake}uremes", roles=[NODE_TYPE_MINING]
    )


def test_weights_are_trust_and_working_stake_at_the_end_of_the_submit_phase(lab) -> None:
    lab.ok(lab.bob, _mining(lab, lab.bob, 7_000_000))
    found = lab.with_round()
    assert found.weight_height == found.submit_end
    lab.block(lab.sign(lab.bob, lab.update(lab.bob)), lab.sign(lab.carol, lab.update(lab.carol)))
    lab.ok(lab.bob, MsgWithdrawStake(node_address=lab.address(lab.bob), amount=lab.coin(2_000_000)))
    assert _weights(lab) == []
    lab.to_height(found.submit_end)
    expected = [(0, lab.address(lab.bob), 500, "5000000"), (1, lab.address(lab.carol), 500, "0")]
    assert _weights(lab) == expected
    lab.ok(lab.bob, MsgAddStake(node_address=lab.address(lab.bob), amount=lab.coin(90_000_000)))
    assert _weights(lab) == expected


def test_weights_of_the_next_round_have_the_trust_that_the_last_one_earned(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    lab.ok(lab.alice, lab.open_message(lab.alice, start_version=1))
    second = lab.round(1)
    update = build_submit_gradient(
        lab.bob,
        "remes-test",
        cid=cid_of(b"another"),
        gradient_hash="cd" * 32,
        model_version="tiny/python@1",
        round_id=RoundId(1),
        nonce=2,
    )
    lab.ok(lab.bob, update)
    lab.to_height(second.submit_end)
    assert _weights(lab, 1) == [(2, lab.address(lab.bob), 510, "0")]
