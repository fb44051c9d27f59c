"""Datasets and task pools: the happy paths, and each refusal by its code."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet import handlers
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.ledger import GOV, TREASURY, balance
from r3mes_ray.localnet.queries import market
from r3mes_ray.localnet.records import (
    CHUNKS,
    DATASET_PROPOSALS,
    DATASETS,
    POOLS,
    u64,
)
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.localnet.state import Overlay
from r3mes_ray.protocol.address import format_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.dataset_pb2 import DatasetMetadata
from r3mes_ray.wire.remes.remes.v1.query_pb2 import (
    QueryActivePoolRequest,
    QueryAvailableChunksRequest,
)
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgClaimTask,
    MsgCompleteTask,
    MsgMarkDatasetAsOfficial,
    MsgProposeDataset,
    MsgRegisterNode,
    MsgRemoveDataset,
    MsgVoteDataset,
)

AUTHORITY = format_address(GOV, "remes")
DATA = cid_of(b"data")
FEE = 12_500


def _as_gov(lab, message) -> None:
    """Run a message as a passed proposal would, and make a block of what it wrote."""
    store = lab.node.store
    ctx = Context(lab.node.chain, Overlay(store), store.head.height + 1, store.head.time_ns + 1)
    handlers.RULES[type_url(message)].execute(ctx, message)
    for key, value in ctx.state.writes.items():
        if value is not None:
            store._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, value))


def _node(lab, key, *roles: int, stake: str = "") -> None:
    lab.ok(key, MsgRegisterNode(node_address=lab.address(key), node_type=roles[0], roles=roles, stake=stake))


@pytest.fixture
def staked(make_lab):
    lab = make_lab(voting_period_s=10, inference_blocks=5, claim_blocks=4, unbonding_blocks=6)
    lab.register_proposer(lab.alice)
    return lab


def _dataset(lab, **changes) -> MsgProposeDataset:
    metadata = DatasetMetadata(name="poems", num_samples=5000)
    fields = {"dataset_ipfs_hash": DATA, "deposit": "10000000uremes", "metadata": metadata, **changes}
    return MsgProposeDataset(proposer=lab.address(lab.bob), **fields)


def _approved(lab) -> None:
    lab.ok(lab.bob, _dataset(lab))
    lab.ok(lab.alice, MsgVoteDataset(voter=lab.address(lab.alice), proposal_id=0, option="yes", quality_score=90))
    lab.to_height(lab.node.height + 10)


def test_dataset_approved_by_stake_and_deposit_returned(staked) -> None:
    before = staked.balance(staked.bob)
    _approved(staked)
    assert DATASET_PROPOSALS.get(staked.node.store, u64(0)).status == "approved"
    assert DATASETS.get(staked.node.store, u64(0)).status == "active"
    assert staked.balance(staked.bob) == before - FEE


def test_dataset_without_quorum_is_rejected_and_its_deposit_kept(staked) -> None:
    staked.ok(staked.bob, _dataset(staked))
    staked.to_height(staked.node.height + 10)
    assert DATASET_PROPOSALS.get(staked.node.store, u64(0)).status == "rejected"
    assert balance(staked.node.store, TREASURY, "uremes") == 10_000_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dataset_ipfs_hash": "x"}, ("remes", 1013)),
        ({"metadata": DatasetMetadata()}, ("remes", 1019)),
        ({"metadata": DatasetMetadata(name="n", description="x" * 17_000)}, ("remes", 1019)),
        ({"deposit": "9uremes"}, ("remes", 1021)),
        ({"deposit": "10000000aaa"}, ("sdk", 10)),
        ({"deposit": "9999999999999999uremes"}, ("sdk", 5)),
    ],
)
def test_dataset_proposal_refusals(staked, changes: dict, code: tuple[str, int]) -> None:
    assert staked.code(staked.bob, _dataset(staked, **changes)) == code


def test_dataset_vote_refusals(staked) -> None:
    message = MsgVoteDataset(voter=staked.address(staked.alice), proposal_id=0, option="yes")
    assert staked.code(staked.alice, message) == ("remes", 1008)
    _approved(staked)
    assert staked.code(staked.alice, message) == ("r3mes", 32)
    staked.ok(staked.bob, _dataset(staked))
    message.proposal_id, message.option = 1, "YES"
    assert staked.code(staked.alice, message) == ("remes", 1006)
    message.option, message.quality_score = "no", 101
    assert staked.code(staked.alice, message) == ("remes", 1019)


def test_dataset_marks_and_removals_are_the_authority_s(staked) -> None:
    _approved(staked)
    alice = staked.address(staked.alice)
    assert staked.code(staked.alice, MsgMarkDatasetAsOfficial(authority=alice)) == ("remes", 1017)
    assert staked.code(staked.alice, MsgRemoveDataset(authority=alice, reason="x")) == ("remes", 1017)
    _as_gov(staked, MsgMarkDatasetAsOfficial(authority=AUTHORITY, dataset_id=0))
    assert DATASETS.get(staked.node.store, u64(0)).is_official_training_data
    with pytest.raises(Refused, match="official already"):
        _as_gov(staked, MsgMarkDatasetAsOfficial(authority=AUTHORITY, dataset_id=0))
    _as_gov(staked, MsgRemoveDataset(authority=AUTHORITY, dataset_id=0, reason="licence"))
    assert DATASETS.get(staked.node.store, u64(0)).status == "removed"


def _with_pool(lab) -> None:
    _approved(lab)
    _as_gov(lab, MsgMarkDatasetAsOfficial(authority=AUTHORITY, dataset_id=0))
    _node(lab, lab.bob, node_pb2.NODE_TYPE_MINING)


def test_task_pool_has_a_chunk_for_each_2048_samples(staked) -> None:
    _with_pool(staked)
    assert market.active_pool(staked.node, QueryActivePoolRequest()).has_active_pool
    answer = market.available_chunks(staked.node, QueryAvailableChunksRequest(pool_id=0))
    assert (answer.total_available, [chunk.chunk_id for chunk in answer.chunks]) == (3, [0, 1, 2])


def test_task_claimed_and_completed_with_an_update(staked) -> None:
    lab = staked
    _with_pool(lab)
    lab.ok(lab.alice, lab.register_expert(lab.alice))
    lab.ok(lab.alice, lab.open_message(lab.alice))
    update = lab.update(lab.bob)
    done = MsgCompleteTask(
        miner=lab.address(lab.bob),
        pool_id=0,
        chunk_id=1,
        gradient_hash=update.gradient_hash,
        gradient_ipfs_hash=update.ipfs_hash,
    )
    assert lab.code(lab.bob, done) == ("r3mes", 30)
    assert lab.ok(lab.bob, MsgClaimTask(miner=lab.address(lab.bob), pool_id=0, chunk_id=1)).success
    assert lab.code(lab.bob, done) == ("r3mes", 31)
    lab.ok(lab.bob, update)
    done.miner_gpu = "|"
    assert lab.code(lab.bob, done) == ("remes", 1009)


def test_task_completed_names_the_update(staked) -> None:
    lab = staked
    _with_pool(lab)
    lab.ok(lab.alice, lab.register_expert(lab.alice))
    lab.ok(lab.alice, lab.open_message(lab.alice))
    update = lab.update(lab.bob)
    lab.block(lab.sign(lab.bob, update, MsgClaimTask(miner=lab.address(lab.bob), pool_id=0, chunk_id=2)))
    done = MsgCompleteTask(
        miner=lab.address(lab.bob),
        chunk_id=2,
        gradient_hash=update.gradient_hash,
        gradient_ipfs_hash=update.ipfs_hash,
    )
    assert lab.ok(lab.bob, done).success
    assert CHUNKS.get(lab.node.store, u64(0), u64(2)).status == "completed"
    assert POOLS.get(lab.node.store, u64(0)).completed_chunks == ["2"]
    assert lab.code(lab.bob, done) == ("r3mes", 30)


def test_task_claim_refusals_and_lapse(staked) -> None:
    lab = staked
    claim = MsgClaimTask(miner=lab.address(lab.bob), pool_id=0, chunk_id=0)
    assert lab.code(lab.bob, claim) == ("r3mes", 22)
    _with_pool(lab)
    claim.pool_id = 4
    assert lab.code(lab.bob, claim) == ("r3mes", 28)
    claim.pool_id, claim.chunk_id = 0, 3
    assert lab.code(lab.bob, claim) == ("r3mes", 28)
    claim.chunk_id = 0
    lab.ok(lab.bob, claim)
    assert lab.code(lab.bob, claim) == ("r3mes", 29)
    lab.to_height(lab.node.height + 4)
    lab.ok(lab.bob, claim)
