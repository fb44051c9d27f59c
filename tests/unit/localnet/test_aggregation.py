"""Each refusal of commit, reveal and submit, by its code; the happy paths are in test_rounds."""

from __future__ import annotations

import pytest

from r3mes_ray.protocol.cid import cid_of


def test_commit_answers_with_its_deadline(lab) -> None:
    found = lab.with_updates()
    answer = lab.ok(lab.alice, lab.commit(lab.alice))
    assert (answer.commitment_id, answer.reveal_deadline_height) == (0, found.reveal_end)


def test_commit_early_is_refused(lab) -> None:
    lab.with_round()
    lab.block(lab.sign(lab.bob, lab.update(lab.bob)), lab.sign(lab.carol, lab.update(lab.carol)))
    assert lab.code(lab.alice, lab.commit(lab.alice)) == ("r3mes", 4)


def test_commit_late_is_refused(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.dave, lab.commit(lab.dave))
    lab.to_height(found.commit_end)
    assert lab.code(lab.alice, lab.commit(lab.alice)) == ("r3mes", 4)


def test_commit_second_of_a_proposer_is_refused(lab) -> None:
    lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    assert lab.code(lab.alice, lab.commit(lab.alice, accepted=(0,))) == ("r3mes", 7)


def test_commit_of_no_proposer_is_refused(lab) -> None:
    lab.with_updates()
    assert lab.code(lab.bob, lab.commit(lab.bob)) == ("remes", 1406)


@pytest.mark.parametrize("ids", [[0], [1, 0], [0, 1, 2], [0, 0, 1], []])
def test_commit_list_that_is_not_the_chain_s_is_refused(lab, ids: list[int]) -> None:
    lab.with_updates()
    message = lab.commit(lab.alice)
    del message.participant_gradient_ids[:]
    message.participant_gradient_ids.extend(ids)
    assert lab.code(lab.alice, message) == ("remes", 1022)


@pytest.mark.parametrize("text", ["", "ab" * 32, "v2:" + "AB" * 32, " v2:" + "ab" * 32, "v1:" + "ab" * 32])
def test_commit_text_that_is_not_canonical_is_refused(lab, text: str) -> None:
    lab.with_updates()
    message = lab.commit(lab.alice)
    message.commitment_hash = text
    assert lab.code(lab.alice, message) == ("remes", 1019)


def test_reveal_early_is_refused(lab) -> None:
    lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    assert lab.code(lab.alice, lab.reveal(lab.alice)) == ("r3mes", 4)


def test_reveal_late_is_refused(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    lab.ok(lab.dave, lab.commit(lab.dave))
    lab.to_height(found.commit_end)
    lab.ok(lab.dave, lab.reveal(lab.dave, commitment_id=1))
    lab.to_height(found.reveal_end)
    assert lab.code(lab.alice, lab.reveal(lab.alice)) == ("r3mes", 4)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"salt": "5b" * 32}, ("r3mes", 8)),
        ({"salt": "5A" * 32}, ("r3mes", 8)),
        ({"salt": " " + "5a" * 32}, ("r3mes", 8)),
        ({"commitment_id": 7}, ("r3mes", 6)),
        ({"training_round_id": 1}, ("r3mes", 8)),
        ({"aggregated_gradient_ipfs_hash": cid_of(b"other")}, ("r3mes", 8)),
        ({"aggregated_gradient_ipfs_hash": cid_of(b"aggregate").upper()}, ("remes", 1013)),
        ({"model_version": "tiny/python@1"}, ("remes", 1005)),
        ({"merkle_root": "v2:" + "ab" * 32}, ("r3mes", 9)),
        ({"participant_gradient_ids": [0]}, ("r3mes", 9)),
        ({"participant_gradient_ids": [0, 2]}, ("remes", 1022)),
        ({"participant_gradient_ids": [1, 0]}, ("remes", 1022)),
        ({"participant_gradient_ids": []}, ("remes", 1022)),
    ],
)
def test_reveal_that_differs_from_the_commitment_is_refused(lab, changes: dict, code: tuple[str, int]) -> None:
    lab.with_commitment()
    assert lab.code(lab.alice, lab.reveal(lab.alice, **changes)) == code


def test_reveal_of_a_copied_commitment_does_not_verify(lab) -> None:
    """Dave copies the text of Alice's commitment, and later her reveal: his own address is in the preimage."""
    found = lab.with_updates()
    original = lab.commit(lab.alice)
    lab.ok(lab.alice, original)
    copied = lab.commit(lab.dave)
    copied.commitment_hash = original.commitment_hash
    lab.ok(lab.dave, copied)
    lab.to_height(found.commit_end)
    assert lab.code(lab.dave, lab.reveal(lab.dave, commitment_id=1)) == ("r3mes", 8)


def test_reveal_of_another_proposer_s_commitment_is_refused(lab) -> None:
    lab.with_commitment()
    assert lab.code(lab.dave, lab.reveal(lab.dave)) == ("remes", 1017)


def test_reveal_twice_is_refused(lab) -> None:
    lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    assert lab.code(lab.alice, lab.reveal(lab.alice)) == ("r3mes", 8)


def test_submit_before_the_challenge_phase_ends_is_refused(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end - 1)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("r3mes", 4)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("", 0)


def test_submit_without_reveal_is_refused(lab) -> None:
    found = lab.with_commitment()
    lab.to_height(found.challenge_end)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("r3mes", 4)


def test_submit_twice_succeeds_and_pays_once(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    before = lab.balance(lab.alice)
    assert lab.ok(lab.alice, lab.submit(lab.alice)).aggregation_id == 0
    assert lab.balance(lab.alice) == before - 12_500


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregated_gradient_ipfs_hash": cid_of(b"other")},
        {"merkle_root": "v2:" + "ab" * 32},
        {"participant_gradient_ids": [0]},
        {"model_version": "tiny/python@1"},
    ],
)
def test_submit_that_differs_from_the_reveal_is_refused(lab, changes: dict) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    assert lab.code(lab.alice, lab.submit(lab.alice, **changes)) == ("remes", 1204)


def test_submit_of_an_unknown_round_is_refused(lab) -> None:
    lab.with_updates()
    assert lab.code(lab.alice, lab.submit(lab.alice, training_round_id=5)) == ("r3mes", 3)
