from __future__ import annotations

from typing import Any

import pytest

from r3mes_ray.errors import InvalidCid, InvalidInput
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.commitment import (
    check_commitment_text,
    check_ids,
    check_salt,
    commitment_hash,
    commitment_hash_v1,
    commitment_preimage,
)

ROOT_V1 = "36b1225b48499f821dd20d36e9687334099b8961fc60543faa39772c543d7ab9"
ZERO = "remes1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqrp5yqe"
CID_V0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"


def fields(vector: dict[str, Any]) -> dict[str, Any]:
    return {
        "chain_id": vector["chain_id"],
        "proposer": parse_address(vector["proposer"], "remes"),
        "round_id": vector["round"],
        "model_version": vector["model_version"],
        "aggregate": vector["aggregate_cid"],
        "merkle_root": vector["merkle_root"],
        "accepted": [update["id"] for update in vector["updates"]],
        "salt": vector["salt"],
    }


def test_commitment_golden_rounds_match(protocol_vectors: dict[str, Any]) -> None:
    for vector in protocol_vectors["rounds"]:
        assert commitment_preimage(**fields(vector)).hex() == vector["preimage"]
        assert commitment_hash(**fields(vector)) == vector["commitment_hash"]


@pytest.mark.parametrize(
    "changed",
    [
        {"chain_id": "remes-1"},
        {"proposer": bytes(20)},
        {"round_id": 8},
        {"model_version": "bitnet-tiny/legal@13"},
        {"accepted": [0, 1]},
        {"salt": "0" * 64},
    ],
)
def test_commitment_any_field_changed_gives_another_hash(
    protocol_vectors: dict[str, Any], changed: dict[str, Any]
) -> None:
    vector = protocol_vectors["rounds"][1]
    assert commitment_hash(**{**fields(vector), **changed}) != vector["commitment_hash"]


@pytest.mark.parametrize(
    "broken",
    [
        {"chain_id": ""},
        {"proposer": bytes(21)},
        {"round_id": -1},
        {"model_version": ""},
        {"aggregate": CID_V0},
        {"merkle_root": ROOT_V1},
        {"accepted": []},
        {"accepted": [2, 1]},
        {"accepted": [1, 1]},
        {"salt": "0" * 64 + " "},
        {"salt": "AB" * 32},
    ],
)
def test_commitment_field_not_canonical_is_refused(protocol_vectors: dict[str, Any], broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        commitment_hash(**{**fields(protocol_vectors["rounds"][1]), **broken})


def test_commitment_cid_v0_is_refused_by_name(protocol_vectors: dict[str, Any]) -> None:
    with pytest.raises(InvalidCid, match="CIDv0"):
        commitment_hash(**{**fields(protocol_vectors["rounds"][0]), "aggregate": CID_V0})


@pytest.mark.parametrize(
    "text", ["d6" * 32, "V2:" + "d6" * 32, "v2:" + "D6" * 32, "v2:" + "d6" * 32 + "\n", "v1:" + "d6" * 32]
)
def test_check_commitment_text_other_than_canonical_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_commitment_text(text)


def test_check_texts_canonical_give_bytes() -> None:
    assert check_commitment_text("v2:" + "d6" * 32) == b"\xd6" * 32
    assert check_salt("07" * 32) == b"\x07" * 32
    assert check_ids([0, 5]) == [0, 5]


def test_commitment_v1_predecessor_vector_matches() -> None:
    found = commitment_hash_v1(ZERO, CID_V0, ROOT_V1, [1, 2, 3], "deadbeef")
    assert found == "0483284f145aba7d6caa5b68e2704e1b3d599468afcaa4ea73f64f8bb8f355e2"


def test_commitment_v1_trims_what_go_trims_and_no_more() -> None:
    plain = commitment_hash_v1(ZERO, CID_V0, ROOT_V1, [1, 2, 3], "deadbeef")
    assert commitment_hash_v1(ZERO, f" {CID_V0}\n", f"\t{ROOT_V1}", [1, 2, 3], "deadbeef\x85") == plain
    assert commitment_hash_v1(ZERO, CID_V0, ROOT_V1, [1, 2, 3], "deadbeef\x1c") != plain
    assert commitment_hash_v1(f" {ZERO}", CID_V0, ROOT_V1, [1, 2, 3], "deadbeef") != plain
