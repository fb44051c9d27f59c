"""What no sequence of messages can break: the supply, the replay, and everybody's authority over what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.blocks import genesis_block, next_block
from r3mes_ray.localnet.handlers import RULES as RULES_OF_MESSAGES
from r3mes_ray.localnet.machine import identity_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.records import BALANCES, STAKES, SUPPLY
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.localnet.state import EmptyState, Overlay
from r3mes_ray.localnet.store import open_store
from r3mes_ray.protocol.address import format_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.cosmos.gov.v1.tx_pb2 import MsgDeposit, MsgSubmitProposal, MsgVote
from r3mes_ray.wire.r3mes.v1.tx_pb2 import (
    MsgAddStake,
    MsgAnnounceContent,
    MsgRetireExpert,
    MsgUpdateParams,
    MsgWithdrawStake,
)
from r3mes_ray.wire.r3mes.v1.types_pb2 import Params
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1 import tx_pb2 as remes
from r3mes_ray.wire.remes.remes.v1.dataset_pb2 import DatasetMetadata
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgActivateModel,
    MsgAppealSlashing,
    MsgChallengeAggregation,
    MsgClaimTask,
    MsgCompleteTask,
    MsgMarkDatasetAsOfficial,
    MsgProposeDataset,
    MsgRegisterModel,
    MsgRegisterNode,
    MsgRemoveDataset,
    MsgRequestInference,
    MsgResolveChallenge,
    MsgSubmitCPUVerification,
    MsgSubmitInferenceResult,
    MsgSubmitRandomVerifierResult,
    MsgUpdateNodeRegistration,
    MsgUpdateServingNodeStatus,
    MsgVoteDataset,
)

EVIDENCE = cid_of(b"evidence")
GOV = format_address(ledger.GOV, "remes")
Make = Callable[[object, object], Message]


def _proposal(lab, key, message: Message) -> MsgSubmitProposal:
    packed = AnyMessage(type_url=type_url(message), value=message.SerializeToString(deterministic=True))
    coins = [lab.coin(10_000_000)]
    return MsgSubmitProposal(
        messages=[packed], initial_deposit=coins, proposer=lab.address(key), title="t", summary="s"
    )


MAKERS: tuple[Make, ...] = (
    lambda lab, key: lab.transfer(key, lab.bob, 7),
    lambda lab, key: lab.register_node(key),
    lambda lab, key: MsgRegisterNode(
        node_address=lab.address(key), node_type=node_pb2.NODE_TYPE_VALIDATOR, stake="100000000uremes"
    ),
    lambda lab, key: MsgRegisterNode(
        node_address=lab.address(key), node_type=node_pb2.NODE_TYPE_SERVING, roles=[node_pb2.NODE_TYPE_SERVING]
    ),
    lambda lab, key: MsgAddStake(node_address=lab.address(key), amount=lab.coin(1_000_000)),
    lambda lab, key: MsgWithdrawStake(node_address=lab.address(key), amount=lab.coin(3_000_000)),
    lambda lab, key: lab.register_expert(key),
    lambda lab, key: lab.open_message(key),
    lambda lab, key: lab.update(key),
    lambda lab, key: lab.commit(key),
    lambda lab, key: lab.reveal(key),
    lambda lab, key: lab.submit(key),
    lambda lab, key: MsgChallengeAggregation(
        challenger=lab.address(key), reason="r", evidence_ipfs_hash=EVIDENCE, bond_amount=[lab.coin(10_000_000)]
    ),
    lambda lab, key: MsgSubmitRandomVerifierResult(verifier=lab.address(key), result="invalid"),
    lambda lab, key: MsgSubmitRandomVerifierResult(verifier=lab.address(key), result="valid"),
    lambda lab, key: MsgSubmitCPUVerification(
        validator=lab.address(key), computed_hash=cid_of(b"aggregate"), expected_hash=cid_of(b"aggregate")
    ),
    lambda lab, key: MsgResolveChallenge(resolver=lab.address(key), fraud_detected=True),
    lambda lab, key: MsgAppealSlashing(
        appellant=lab.address(key), slashing_reason="unrevealed:0", appeal_reason="r", evidence_ipfs_hash=EVIDENCE
    ),
    lambda lab, key: MsgDeposit(proposal_id=1, depositor=lab.address(key), amount=[lab.coin(5)]),
    lambda lab, key: MsgVote(proposal_id=1, voter=lab.address(key), option=1),
    lambda lab, key: MsgProposeDataset(
        proposer=lab.address(key),
        dataset_ipfs_hash=EVIDENCE,
        metadata=DatasetMetadata(name="n"),
        deposit="10000000uremes",
    ),
    lambda lab, key: MsgVoteDataset(voter=lab.address(key), option="yes"),
    lambda lab, key: MsgUpdateServingNodeStatus(serving_node=lab.address(key), model_version="m", is_available=True),
    lambda lab, key: MsgRequestInference(
        requester=lab.address(key),
        serving_node=lab.address(lab.dave),
        model_version="m",
        input_data_ipfs_hash=EVIDENCE,
        fee="1009uremes",
    ),
    lambda lab, key: MsgSubmitInferenceResult(
        serving_node=lab.address(key), request_id=f"{lab.address(lab.bob)}|9|0", result_ipfs_hash=EVIDENCE
    ),
    lambda lab, key: MsgRetireExpert(owner=lab.address(key), name="python"),
    lambda lab, key: MsgAnnounceContent(node_address=lab.address(key), content_url="http://peer"),
    lambda lab, key: MsgUpdateNodeRegistration(node_address=lab.address(key), roles=[node_pb2.NODE_TYPE_PROPOSER]),
    lambda lab, key: _proposal(
        lab, key, MsgUpdateParams(authority=GOV, changes=Params(miner_reward="7", grace_blocks=2))
    ),
    lambda lab, key: _proposal(lab, key, MsgResolveChallenge(resolver=GOV, fraud_detected=True)),
    lambda lab, key: _proposal(lab, key, MsgMarkDatasetAsOfficial(authority=GOV)),
    lambda lab, key: MsgClaimTask(miner=lab.address(key)),
    lambda lab, key: MsgCompleteTask(
        miner=lab.address(key), gradient_hash="cd" * 32, gradient_ipfs_hash=cid_of(lab.address(key).encode())
    ),
    *(
        lambda lab, key, kind=kind: kind(authority=lab.address(key))
        for kind in (
            MsgUpdateParams,
            remes.MsgUpdateParams,
            MsgRegisterModel,
            MsgActivateModel,
            MsgMarkDatasetAsOfficial,
            MsgRemoveDataset,
        )
    ),
)
STEPS = st.lists(
    st.tuples(st.integers(0, len(MAKERS) - 1), st.integers(0, 3), st.integers(0, 5)), min_size=5, max_size=30
)
RULES = {
    "verification_blocks": 3,
    "appeal_blocks": 3,
    "unbonding_blocks": 4,
    "inference_blocks": 3,
    "voting_period_s": 6,
}


def _new(lab, genesis) -> None:
    """A fresh chain, ready for whatever comes: an expert, proposers, validators and an open round."""
    parameters = genesis.parameters.model_copy(update=RULES)
    first = genesis.model_copy(update={"parameters": parameters})
    lab.node = ChainNode(first, open_store(Path(":memory:"), first))
    lab.with_round()


def _check(lab) -> None:
    store = lab.node.store
    amounts = [amount for _, amount in BALANCES.items(store)]
    assert sum(amounts) == SUPPLY.get(store, b"uremes")
    assert all(amount > 0 for amount in amounts)
    assert all(stake > 0 for _, stake in STAKES.items(store))


def _replay(lab) -> None:
    store, state = lab.node.store, Overlay(EmptyState())
    executed = genesis_block(lab.node.genesis)
    state.writes.update(executed.writes)
    for height in range(1, store.head.height + 1):
        txs = [stored.raw for stored in store.txs(height)]
        time_ns = store.block(height).time_ns
        executed = next_block(identity_of(lab.node.genesis), executed.block, state, time_ns, txs)
        state.writes.update(executed.writes)
    assert executed.block.app_hash == store.head.app_hash


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_sequence_conserves_the_supply_and_replays(lab, first_genesis, steps: list) -> None:
    _new(lab, first_genesis)
    keys = [lab.alice, lab.bob, lab.carol, lab.dave]
    for maker, signer, pause in steps:
        if _has_updates(lab, maker):
            lab.deliver(keys[signer], MAKERS[maker](lab, keys[signer]))
        for _ in range(pause):
            lab.block()
        _check(lab)
    _replay(lab)
    lab.node.store.close()


def _has_updates(lab, maker: int) -> bool:
    """Commits and reveals are built from the round's updates; without one there is nothing to build."""
    return maker not in (9, 10, 11) or lab.round().gradient_count > 1


def test_sequences_are_made_of_every_message_that_has_rules(lab) -> None:
    lab.with_updates()
    assert {type_url(make(lab, lab.alice)) for make in MAKERS} == set(RULES_OF_MESSAGES)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(MAKERS) - 1), st.integers(0, 3), st.integers(0, 3))
def test_nothing_happens_without_the_signer_s_authority(module_lab, maker: int, owner: int, thief: int) -> None:
    """A message in somebody's name, signed by another key: refused before it enters a block, and no state changes."""
    lab = module_lab
    keys = [lab.alice, lab.bob, lab.carol, lab.dave]
    if owner == thief or maker in (9, 10, 11):
        return
    before = lab.node.store.head.app_hash
    raw = lab.sign(keys[thief], MAKERS[maker](lab, keys[owner]))
    assert lab.refused(raw) in (("sdk", 4), ("sdk", 8), ("sdk", 32))
    assert (lab.node.pending, lab.node.store.head.app_hash) == (0, before)
