from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.submission import (
    Submission,
    find_work,
    global_seed_v1,
    has_work,
    message_hash,
    shard_v1,
)
from r3mes_ray.types import Address, Cid

MINER = Address("remes1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqrp5yqe")
SUBMISSION = Submission(
    chain_id="remes-test",
    miner=MINER,
    cid=Cid("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"),
    model_version="v1.0.0",
    round_id=7,
    shard_id=42,
    gradient_hash="4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
    gpu_architecture="Ampere",
    nonce=1,
)


def test_message_hash_predecessor_vector_matches() -> None:
    hashed = message_hash(SUBMISSION)
    assert hashed.hex() == "27fefab2fb982063aa29e1042e9365c70736a24b20ec1fe924482fc6cea10a8c"
    assert hashlib.sha256(hashed).hexdigest() == "087cd49103199da47b02d05dcb293959018af6c0dd50c55234362f86300fbe09"


def test_message_hash_separator_in_a_field_is_refused() -> None:
    with pytest.raises(InvalidInput, match="separator"):
        message_hash(replace(SUBMISSION, model_version="v1|7"))


def test_find_work_predecessor_vector_matches() -> None:
    assert find_work(message_hash(SUBMISSION), 4) == 19


def test_has_work_predecessor_vector_of_20_bits_matches() -> None:
    assert has_work(message_hash(SUBMISSION), 594731, 20)
    assert not has_work(message_hash(SUBMISSION), 594730, 20)


def test_find_work_no_bits_means_no_work() -> None:
    assert find_work(bytes(32), 0) == 0


@pytest.mark.parametrize("bits", [-1, 33])
def test_find_work_endless_is_refused(bits: int) -> None:
    with pytest.raises(InvalidInput):
        find_work(bytes(32), bits)


def test_shard_v1_predecessor_vector_matches() -> None:
    assert shard_v1(MINER, "aa" * 32, 7) == 88
    assert shard_v1(MINER, "AA" * 32, 7) == 50


def test_global_seed_v1_predecessor_vector_matches() -> None:
    assert global_seed_v1(b"\xaa" * 32, 7) == 84347685759859192
