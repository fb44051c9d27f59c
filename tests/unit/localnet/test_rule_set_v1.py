"""A chain under the predecessor's rule set: its commitment and Merkle tree, bit for bit; phases are ours."""

from __future__ import annotations

import hashlib

import pytest

from r3mes_ray.localnet.records import EXPERTS
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgCommitAggregation, MsgRevealAggregation, MsgSubmitAggregation

CID = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"
LEAF = "cd" * 32
# Both updates have the same gradient hash; order does not show in the root.
ROOT = hashlib.sha256(f"{LEAF}:{LEAF}".encode()).hexdigest()


def _commitment(lab, key, ids: str = "[1 0]", salt: str = "deadbeef") -> str:
    text = f"{lab.address(key)}:{CID}:{ROOT}:{ids}:{salt}"
    return hashlib.sha256(text.encode()).hexdigest()


def _commit(lab, text: str, ids: list[int]) -> MsgCommitAggregation:
    return MsgCommitAggregation(
        proposer=lab.address(lab.alice), commitment_hash=text, training_round_id=0, participant_gradient_ids=ids
    )


def _reveal(lab, **changes) -> MsgRevealAggregation:
    fields = {
        "proposer": lab.address(lab.alice),
        "aggregated_gradient_ipfs_hash": CID,
        "merkle_root": ROOT,
        "participant_gradient_ids": [1, 0],
        "model_version": "tiny/python@0",
        "salt": "deadbeef",
        **changes,
    }
    return MsgRevealAggregation(**fields)


@pytest.fixture
def committed(make_lab):
    lab = make_lab(rule_set="v1")
    found = lab.with_updates()
    lab.ok(lab.alice, _commit(lab, _commitment(lab, lab.alice), [1, 0]))
    lab.to_height(found.commit_end)
    return lab


def test_v1_round_whole_life(committed) -> None:
    lab = committed
    assert lab.ok(lab.alice, _reveal(lab, salt=" deadbeef\n")).commitment_verified
    lab.to_height(lab.round().challenge_end)
    shown = _reveal(lab)
    names = [field.name for field in MsgSubmitAggregation.DESCRIPTOR.fields]
    lab.ok(lab.alice, MsgSubmitAggregation(**{name: getattr(shown, name) for name in names}))
    assert EXPERTS.get(lab.node.store, b"python").history[0].adapter_cid == CID


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"salt": "other"}, ("r3mes", 8)),
        ({"salt": "  "}, ("r3mes", 8)),
        ({"participant_gradient_ids": [0, 1]}, ("r3mes", 8)),
        ({"merkle_root": "v2:" + ROOT}, ("r3mes", 9)),
        ({"aggregated_gradient_ipfs_hash": "zz"}, ("remes", 1013)),
    ],
)
def test_v1_reveal_that_differs_is_refused(committed, changes: dict, code: tuple[str, int]) -> None:
    assert committed.code(committed.alice, _reveal(committed, **changes)) == code


@pytest.mark.parametrize("ids", [[], [0, 0], [0, 2]])
def test_v1_commit_of_bad_ids_is_refused(make_lab, ids: list[int]) -> None:
    lab = make_lab(rule_set="v1")
    lab.with_updates()
    assert lab.code(lab.alice, _commit(lab, "ab" * 32, ids)) == ("remes", 1022)


@pytest.mark.parametrize("text", ["v2:" + "ab" * 32, "AB" * 32, ""])
def test_v1_commit_text_of_another_form_is_refused(make_lab, text: str) -> None:
    lab = make_lab(rule_set="v1")
    lab.with_updates()
    assert lab.code(lab.alice, _commit(lab, text, [0, 1])) == ("remes", 1019)
