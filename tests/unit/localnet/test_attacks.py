"""Attacks on the protocol that the other files do not hold: replays, downgrades, and what comes too late."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.machine import check
from r3mes_ray.localnet.queries.disputes import proofs
from r3mes_ray.localnet.records import UPDATES, u64
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root, verify_proof
from r3mes_ray.types import Cid
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryProofsRequest


def test_transaction_of_another_chain_is_refused(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), chain_id="remes-2")
    assert lab.refused(raw) == ("sdk", 4)


def test_included_transaction_again_is_refused(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    lab.block(raw)
    assert lab.refused(raw) == ("sdk", 19)
    with pytest.raises(Refused, match="incorrect account sequence"):
        check(lab.node._context(), raw)


def test_front_run_update_in_another_name_is_refused(lab) -> None:
    """Dave sees Bob's update wait, and sends the same bytes as his own."""
    lab.with_round()
    stolen = lab.update(lab.bob)
    stolen.miner = lab.address(lab.dave)
    assert lab.code(lab.dave, stolen) == ("remes", 1015)


def test_commitment_of_an_earlier_round_does_not_open_in_another(lab) -> None:
    found = lab.with_updates()
    first = lab.commit(lab.alice)
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.open_message(lab.alice))
    lab.block(lab.sign(lab.bob, lab.update(lab.bob, nonce=2, round_id=1)))
    lab.to_height(lab.round(1).submit_end)
    first.training_round_id = 1
    del first.participant_gradient_ids[:]
    first.participant_gradient_ids.append(2)
    lab.ok(lab.alice, first)
    lab.to_height(lab.round(1).commit_end)
    shown = lab.reveal(lab.alice, training_round_id=1)
    assert lab.code(lab.alice, shown) == ("remes", 1022)
    update = UPDATES.get(lab.node.store, u64(2))
    root = merkle_root(
        [UpdateLeaf(2, Cid(update.ipfs_hash), update.gradient_hash, parse_address(update.miner, "remes"))]
    )
    fitting = lab.reveal(lab.alice, training_round_id=1, participant_gradient_ids=[2], merkle_root=root)
    assert lab.code(lab.alice, fitting) == ("r3mes", 8)


def test_proof_with_a_forged_index_or_total_does_not_verify(lab) -> None:
    lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    answer = proofs(lab.node, QueryProofsRequest(aggregation_id=0))
    assert (answer.total, [proof.gradient_id for proof in answer.proofs]) == (2, [0, 1])
    update = next(found for _, found in UPDATES.items(lab.node.store))
    miner = parse_address(update.miner, "remes")
    leaf = UpdateLeaf(update.id, Cid(update.ipfs_hash), update.gradient_hash, miner)
    path = list(answer.proofs[0].path)
    assert verify_proof(leaf, 0, 2, path, answer.merkle_root)
    for index, total in ((1, 2), (0, 1), (0, 3), (2, 2)):
        assert not verify_proof(leaf, index, total, path, answer.merkle_root)


def test_dead_proposer_does_not_hold_up_the_round(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end + 4)
    assert lab.round().phase
    assert lab.ok(lab.dave, lab.open_message(lab.dave, start_version=1)).round_id == 1
