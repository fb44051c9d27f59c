"""Paid inference, stakes and registrations: the happy paths, and each refusal by its code."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.ledger import MINER_POOL, TREASURY, balance
from r3mes_ray.localnet.queries import market
from r3mes_ray.localnet.records import (
    BALANCES,
    INFERENCES,
    NODES,
    SERVING,
    STAKES,
    SUPPLY,
    u64,
)
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAddStake, MsgWithdrawStake
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.query_pb2 import (
    QueryGetMinerScoreRequest,
)
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgRegisterNode,
    MsgRequestInference,
    MsgSubmitInferenceResult,
    MsgUpdateNodeRegistration,
    MsgUpdateServingNodeStatus,
)

DATA = cid_of(b"data")
FEE = 12_500
MODEL = "tiny/python@1"


def _conserved(lab) -> bool:
    return sum(amount for _, amount in BALANCES.items(lab.node.store)) == SUPPLY.get(lab.node.store, b"uremes")


def _owner(lab, key) -> bytes:
    return parse_address(lab.address(key), "remes")


def _node(lab, key, *roles: int, stake: str = "") -> None:
    lab.ok(key, MsgRegisterNode(node_address=lab.address(key), node_type=roles[0], roles=roles, stake=stake))


@pytest.fixture
def staked(make_lab):
    lab = make_lab(voting_period_s=10, inference_blocks=5, claim_blocks=4, unbonding_blocks=6)
    lab.register_proposer(lab.alice)
    return lab


def _serving(lab) -> None:
    _node(lab, lab.dave, node_pb2.NODE_TYPE_SERVING)
    status = MsgUpdateServingNodeStatus(serving_node=lab.address(lab.dave), model_version=MODEL, is_available=True)
    assert lab.ok(lab.dave, status).updated


def _request(lab, **changes) -> MsgRequestInference:
    fields = {"model_version": MODEL, "input_data_ipfs_hash": DATA, "fee": "1000uremes", **changes}
    return MsgRequestInference(requester=lab.address(lab.bob), serving_node=lab.address(lab.dave), **fields)


def _result(lab, request_id: str, **changes) -> MsgSubmitInferenceResult:
    fields = {"request_id": request_id, "result_ipfs_hash": cid_of(b"answer"), "latency_ms": 40, **changes}
    return MsgSubmitInferenceResult(serving_node=lab.address(lab.dave), **fields)


def test_inference_answered_splits_the_fee(staked) -> None:
    lab = staked
    _serving(lab)
    name = lab.ok(lab.bob, _request(lab, fee="1009uremes")).request_id
    assert name == f"{lab.address(lab.bob)}|{lab.node.height}|0"
    before = lab.balance(lab.dave)
    assert lab.ok(lab.dave, _result(lab, name)).accepted
    assert lab.balance(lab.dave) == before + 706 - FEE
    assert balance(lab.node.store, MINER_POOL, "uremes") == 100
    assert balance(lab.node.store, TREASURY, "uremes") == 203
    status = SERVING.get(lab.node.store, _owner(lab, lab.dave))
    assert (status.total_requests, status.successful_requests, status.average_latency_ms) == (1, 1, 40)
    assert lab.code(lab.dave, _result(lab, name)) == ("r3mes", 25)
    assert _conserved(lab)


def test_inference_unanswered_is_refunded(staked) -> None:
    lab = staked
    _serving(lab)
    before = lab.balance(lab.bob)
    lab.ok(lab.bob, _request(lab))
    lab.to_height(lab.node.height + 5)
    assert INFERENCES.get(lab.node.store, u64(0)).status == "expired"
    assert lab.balance(lab.bob) == before - FEE
    assert lab.code(lab.dave, _result(lab, INFERENCES.get(lab.node.store, u64(0)).request_id)) == ("r3mes", 25)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model_version": "other"}, ("r3mes", 26)),
        ({"model_version": ""}, ("remes", 1019)),
        ({"input_data_ipfs_hash": "x"}, ("remes", 1013)),
        ({"fee": "0uremes"}, ("sdk", 10)),
        ({"fee": "5aaa"}, ("sdk", 10)),
        ({"fee": "9999999999999999uremes"}, ("sdk", 5)),
    ],
)
def test_inference_request_refusals(staked, changes: dict, code: tuple[str, int]) -> None:
    _serving(staked)
    assert staked.code(staked.bob, _request(staked, **changes)) == code


def test_inference_of_no_serving_node_is_refused(staked) -> None:
    assert staked.code(staked.bob, _request(staked)) == ("r3mes", 22)
    broken = _request(staked)
    broken.serving_node = "x"
    assert staked.code(staked.bob, broken) == ("sdk", 7)
    status = MsgUpdateServingNodeStatus(serving_node=staked.address(staked.bob))
    assert staked.code(staked.bob, status) == ("r3mes", 22)


def test_inference_result_refusals(staked) -> None:
    lab = staked
    _serving(lab)
    _node(lab, lab.carol, node_pb2.NODE_TYPE_SERVING)
    name = lab.ok(lab.bob, _request(lab)).request_id
    assert lab.code(lab.dave, _result(lab, "nonsense|x")) == ("r3mes", 24)
    assert lab.code(lab.dave, _result(lab, "other|1|0")) == ("r3mes", 24)
    assert lab.code(lab.dave, _result(lab, name, result_ipfs_hash="x")) == ("remes", 1013)
    stolen = _result(lab, name)
    stolen.serving_node = lab.address(lab.carol)
    assert lab.code(lab.carol, stolen) == ("remes", 1017)


def test_stake_withdrawn_is_paid_after_the_unbonding_period(staked) -> None:
    lab = staked
    coin = lab.coin(4_000_000)
    before = lab.balance(lab.alice)
    due = lab.ok(lab.alice, MsgWithdrawStake(node_address=lab.address(lab.alice), amount=coin)).release_height
    assert due == lab.node.height + 6
    assert NODES.get(lab.node.store, _owner(lab, lab.alice)).status == node_pb2.NODE_STATUS_INACTIVE
    lab.to_height(due - 1)
    assert lab.balance(lab.alice) == before - FEE
    lab.to_height(due)
    assert lab.balance(lab.alice) == before - FEE + 4_000_000
    assert STAKES.get(lab.node.store, _owner(lab, lab.alice)) == 6_000_000
    lab.ok(lab.alice, MsgAddStake(node_address=lab.address(lab.alice), amount=coin))
    assert NODES.get(lab.node.store, _owner(lab, lab.alice)).status == node_pb2.NODE_STATUS_ACTIVE


def test_stake_refusals(staked) -> None:
    lab = staked
    alice = lab.address(lab.alice)
    more = MsgWithdrawStake(node_address=alice, amount=lab.coin(10_000_001))
    assert lab.code(lab.alice, more) == ("remes", 1021)
    other = MsgAddStake(node_address=alice, amount=lab.coin(1))
    other.amount.denom = "aaa"
    assert lab.code(lab.alice, other) == ("sdk", 10)
    assert lab.code(lab.bob, MsgAddStake(node_address=lab.address(lab.bob), amount=lab.coin(1))) == ("r3mes", 22)


def test_node_update_changes_what_is_given(staked) -> None:
    lab = staked
    alice = lab.address(lab.alice)
    roles = [node_pb2.NODE_TYPE_PROPOSER, node_pb2.NODE_TYPE_SERVING]
    lab.ok(lab.alice, MsgUpdateNodeRegistration(node_address=alice, roles=roles))
    assert list(NODES.get(lab.node.store, _owner(lab, lab.alice)).roles) == roles
    validator = MsgUpdateNodeRegistration(node_address=alice, roles=[node_pb2.NODE_TYPE_VALIDATOR])
    assert lab.code(lab.alice, validator) == ("remes", 1021)
    assert lab.code(lab.alice, MsgUpdateNodeRegistration(node_address=alice, roles=[9])) == ("remes", 1019)
    proof = MsgUpdateNodeRegistration(node_address=alice, resource_proof_ipfs_hash="x")
    assert lab.code(lab.alice, proof) == ("remes", 1013)
    unknown = MsgUpdateNodeRegistration(node_address=lab.address(lab.bob))
    assert lab.code(lab.bob, unknown) == ("r3mes", 22)


def test_validators_beyond_the_limit_are_refused(make_lab) -> None:
    lab = make_lab(max_validators=1)
    _node(lab, lab.alice, node_pb2.NODE_TYPE_VALIDATOR, stake="100000000uremes")
    second = MsgRegisterNode(
        node_address=lab.address(lab.bob), node_type=node_pb2.NODE_TYPE_VALIDATOR, stake="100000000uremes"
    )
    assert lab.code(lab.bob, second) == ("r3mes", 23)


def test_miner_score_grows_with_a_finalised_update(lab) -> None:
    found = lab.with_commitment()
    request = QueryGetMinerScoreRequest(miner=lab.address(lab.bob))
    assert market.miner_score(lab.node, request).reputation_tier == "new"
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    answer = market.miner_score(lab.node, request)
    assert (answer.trust_score, answer.reputation_tier, answer.successful_submissions) == ("0.510", "medium", 1)
