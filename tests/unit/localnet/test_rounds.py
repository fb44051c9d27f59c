"""The life of a round on chain, from the first update to the expert's next version."""

from __future__ import annotations

from r3mes_ray.localnet.records import AGGREGATIONS, COMMITMENTS, EXPERTS, UPDATES, u64
from r3mes_ray.localnet.rounds import phase_at
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase


def _statuses(lab) -> list[str]:
    return [update.status for _, update in UPDATES.items(lab.node.store)]


def test_round_whole_life_sets_the_next_version(lab) -> None:
    found = lab.with_commitment()
    answer = lab.ok(lab.alice, lab.reveal(lab.alice))
    assert (answer.aggregation_id, answer.commitment_verified) == (0, True)
    assert _statuses(lab) == ["pending", "pending"]
    lab.to_height(found.challenge_end)
    before = lab.balance(lab.bob), lab.balance(lab.alice)
    assert lab.ok(lab.alice, lab.submit(lab.alice)).aggregation_id == 0
    expert = EXPERTS.get(lab.node.store, b"python")
    assert (expert.version, expert.has_open_round) == (1, False)
    assert expert.history[0].adapter_cid == cid_of(b"aggregate")
    assert expert.history[0].finalized_height == lab.node.height
    assert lab.round().phase == RoundPhase.ROUND_PHASE_DONE
    assert _statuses(lab) == ["aggregated", "aggregated"]
    assert lab.balance(lab.bob) == before[0] + 100_000_000
    assert lab.balance(lab.alice) == before[1] + 500_000_000 - 12_500


def test_round_phases_by_height(lab) -> None:
    found = lab.with_round()
    opened = found.opened_height
    ends = (found.submit_end, found.commit_end, found.reveal_end, found.challenge_end)
    assert ends == (opened + 4, opened + 8, opened + 12, opened + 16)
    phases = [phase_at(found, opened + blocks) for blocks in (4, 5, 8, 9, 12, 13, 16, 17)]
    names = [RoundPhase.Name(phase).removeprefix("ROUND_PHASE_") for phase in phases]
    assert names == ["SUBMIT", "COMMIT", "COMMIT", "REVEAL", "REVEAL", "CHALLENGE", "CHALLENGE", "FINALIZE"]


def test_round_without_update_fails_and_another_can_be_opened(lab) -> None:
    found = lab.with_round()
    lab.to_height(found.submit_end)
    assert lab.round().phase == RoundPhase.ROUND_PHASE_FAILED
    assert lab.ok(lab.alice, lab.open_message(lab.alice)).round_id == 1


def test_round_without_commitment_fails(lab) -> None:
    found = lab.with_updates()
    lab.to_height(found.commit_end)
    assert lab.round().phase == RoundPhase.ROUND_PHASE_FAILED
    assert _statuses(lab) == ["expired", "expired"]


def test_round_without_reveal_expires_the_commitment_and_fails(lab) -> None:
    found = lab.with_commitment()
    lab.to_height(found.reveal_end)
    assert COMMITMENTS.get(lab.node.store, u64(0)).status == "expired"
    assert lab.round().phase == RoundPhase.ROUND_PHASE_FAILED


def test_round_two_reveals_lowest_commitment_wins(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.dave, lab.commit(lab.dave))
    lab.ok(lab.alice, lab.commit(lab.alice))
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.reveal(lab.alice, commitment_id=1))
    lab.ok(lab.dave, lab.reveal(lab.dave, commitment_id=0))
    lab.to_height(found.challenge_end)
    assert lab.round().aggregation_id == 1
    assert AGGREGATIONS.get(lab.node.store, u64(0)).status == "superseded"
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("remes", 1204)
    assert lab.ok(lab.dave, lab.submit(lab.dave)).aggregation_id == 1


def test_round_unrevealed_first_commitment_leaves_the_second_to_win(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.dave, lab.commit(lab.dave))
    lab.ok(lab.alice, lab.commit(lab.alice))
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.reveal(lab.alice, commitment_id=1))
    lab.to_height(found.challenge_end)
    assert COMMITMENTS.get(lab.node.store, u64(0)).status == "expired"
    assert lab.ok(lab.alice, lab.submit(lab.alice)).aggregation_id == 0


def test_round_proposer_is_silent_chain_finalises_after_grace(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end + 3)
    assert EXPERTS.get(lab.node.store, b"python").version == 0
    lab.to_height(found.challenge_end + 4)
    assert EXPERTS.get(lab.node.store, b"python").version == 1
    assert lab.ok(lab.alice, lab.submit(lab.alice)).aggregation_id == 0
    assert EXPERTS.get(lab.node.store, b"python").version == 1


def test_round_excluded_update_is_not_paid(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice, accepted=(1,)))
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.reveal(lab.alice, merkle_root=lab.root([1]), participant_gradient_ids=[1]))
    lab.to_height(found.challenge_end)
    before = lab.balance(lab.bob), lab.balance(lab.carol)
    lab.ok(lab.alice, lab.submit(lab.alice, merkle_root=lab.root([1]), participant_gradient_ids=[1]))
    assert _statuses(lab) == ["excluded", "aggregated"]
    assert (lab.balance(lab.bob), lab.balance(lab.carol)) == (before[0], before[1] + 100_000_000)


def test_round_after_a_version_starts_from_it(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    assert lab.code(lab.alice, lab.open_message(lab.alice)) == ("r3mes", 11)
    assert lab.ok(lab.alice, lab.open_message(lab.alice, start_version=1)).round_id == 1
    assert (lab.round(1).start_version, lab.round(1).start_cid) == (1, cid_of(b"aggregate"))
