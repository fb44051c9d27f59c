from __future__ import annotations

from typing import Any

import pytest

from r3mes_ray.chain.keys import PrivateKey, verify_signature
from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.protocol.submission import Submission, has_work, message_hash
from r3mes_ray.types import Cid, RoundId

KEY = PrivateKey(b"\x01" * 32)
FIELDS: dict[str, Any] = {
    "cid": cid_of(b"update"),
    "gradient_hash": "ab" * 32,
    "model_version": "tiny/python@0",
    "round_id": RoundId(0),
    "nonce": 1,
}


def test_build_submit_gradient_signature_and_work_hold() -> None:
    message = build_submit_gradient(KEY, "remes-test", **FIELDS, claimed_loss="4.5", proof_of_work_bits=6)
    hashed = message_hash(
        Submission("remes-test", message.miner, FIELDS["cid"], "tiny/python@0", 0, 0, "ab" * 32, "", 1)
    )
    assert message.miner == KEY.address("remes")
    assert verify_signature(KEY.public_key, hashed, message.signature)
    assert has_work(hashed, message.proof_of_work_nonce, 6)
    assert (message.claimed_loss, message.training_round_id, message.ipfs_hash) == ("4.5", 0, FIELDS["cid"])


def test_build_submit_gradient_other_chain_gives_another_signature() -> None:
    first, second = (build_submit_gradient(KEY, chain, **FIELDS) for chain in ("remes-test", "remes-1"))
    assert first.signature != second.signature


@pytest.mark.parametrize("broken", [{"cid": Cid("Qm")}, {"gradient_hash": "AB" * 32}, {"model_version": "a|b"}])
def test_build_submit_gradient_text_not_canonical_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        build_submit_gradient(KEY, "remes-test", **{**FIELDS, **broken})
