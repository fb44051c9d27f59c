"""Each refusal of an update, by its code."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.records import NONCES, UPDATES, u64
from r3mes_ray.protocol.cid import cid_of

V0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ipfs_hash": V0}, ("remes", 1013)),
        ({"ipfs_hash": cid_of(b"another")}, ("remes", 1015)),
        ({"gradient_hash": "CD" * 32}, ("remes", 1012)),
        ({"gradient_hash": "ce" * 32}, ("remes", 1015)),
        ({"model_version": "tiny/python@1"}, ("remes", 1005)),
        ({"training_round_id": 1}, ("r3mes", 3)),
        ({"nonce": 0}, ("remes", 1016)),
        ({"signature": b"\1" * 64}, ("remes", 1015)),
        ({"shard_id": 1}, ("remes", 1019)),
        ({"global_seed": 1}, ("remes", 1019)),
        ({"model_config_id": 1}, ("remes", 1004)),
        ({"gpu_architecture": "a|b"}, ("remes", 1009)),
        ({"claimed_loss": "nan"}, ("remes", 1019)),
    ],
)
def test_update_bad_field_is_refused(lab, changes: dict, code: tuple[str, int]) -> None:
    lab.with_round()
    assert lab.code(lab.bob, lab.update(lab.bob, **changes)) == code
    assert UPDATES.get(lab.node.store, u64(0)) is None


def test_update_first_id_is_zero_and_second_of_a_miner_is_refused(lab) -> None:
    lab.with_round()
    assert lab.ok(lab.bob, lab.update(lab.bob)).stored_gradient_id == 0
    assert lab.code(lab.bob, lab.update(lab.bob, nonce=2)) == ("remes", 1206)


def test_update_nonce_of_an_earlier_round_is_refused(lab) -> None:
    found = lab.with_round()
    lab.ok(lab.bob, lab.update(lab.bob))
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.open_message(lab.alice))
    assert lab.code(lab.bob, lab.update(lab.bob, round_id=1)) == ("remes", 1016)
    assert lab.code(lab.bob, lab.update(lab.bob, nonce=2, round_id=1)) == ("", 0)


def test_update_late_is_refused(lab) -> None:
    found = lab.with_updates()
    assert lab.node.height == found.submit_end
    assert lab.code(lab.dave, lab.update(lab.dave)) == ("r3mes", 4)


def test_update_signed_for_another_chain_is_refused(make_lab) -> None:
    lab = make_lab()
    lab.with_round()
    message = lab.update(lab.bob)
    message.signature = lab.update(lab.carol).signature
    assert lab.code(lab.bob, message) == ("remes", 1015)


def test_update_proof_of_work_is_asked_for(make_lab) -> None:
    lab = make_lab(proof_of_work_bits=8)
    lab.with_round()
    worked = lab.update(lab.bob, bits=8)
    assert lab.code(lab.bob, lab.update(lab.bob, proof_of_work_nonce=worked.proof_of_work_nonce + 1)) == ("r3mes", 12)
    assert lab.code(lab.bob, worked) == ("", 0)


@pytest.mark.parametrize(("nonce", "code"), [(100, ("", 0)), (101, ("remes", 1016)), (2**64 - 1, ("remes", 1016))])
def test_update_nonce_beyond_its_window_is_refused(make_lab, nonce: int, code: tuple[str, int]) -> None:
    lab = make_lab(nonce_window=100)
    lab.with_round()
    assert lab.code(lab.bob, lab.update(lab.bob, nonce=nonce)) == code


def test_update_nonces_below_the_window_are_refused_and_forgotten(make_lab) -> None:
    lab = make_lab(nonce_window=5)
    lab.with_round()
    lab.ok(lab.bob, lab.update(lab.bob, nonce=5))
    lab.to_height(lab.round().submit_end)
    lab.to_height(lab.round().commit_end)
    lab.ok(lab.alice, lab.open_message(lab.alice))
    lab.ok(lab.bob, lab.update(lab.bob, nonce=10, round_id=1))
    assert [int.from_bytes(key[20:], "big") for key, _ in NONCES.items(lab.node.store)] == [10]


def test_update_of_a_miner_who_sends_too_many_is_refused(make_lab) -> None:
    lab = make_lab(max_updates_per_window=1, rate_window_blocks=50)
    lab.with_round()
    lab.ok(lab.bob, lab.update(lab.bob))
    lab.ok(lab.dave, lab.register_expert(lab.dave, name="second"))
    second = lab.open_message(lab.dave)
    second.expert = "second"
    lab.ok(lab.dave, second)
    message = lab.update(lab.bob, nonce=2, round_id=1, model_version="tiny/second@0")
    assert lab.code(lab.bob, message) == ("r3mes", 13)


@pytest.mark.parametrize(("tokens", "code"), [(0, ("", 0)), (2048, ("", 0)), (2047, ("remes", 1012))])
def test_update_token_count_is_2048_or_not_given(lab, tokens: int, code: tuple[str, int]) -> None:
    lab.with_round()
    assert lab.code(lab.bob, lab.update(lab.bob, token_count=tokens)) == code


def test_update_of_no_active_model_is_refused(lab) -> None:
    lab.with_round()
    assert lab.code(lab.bob, lab.update(lab.bob, model_config_id=1)) == ("remes", 1004)
