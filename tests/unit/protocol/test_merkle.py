from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidCid, InvalidInput
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.protocol.merkle import (
    UpdateLeaf,
    check_merkle_root,
    merkle_root,
    merkle_root_v1,
    prove,
    tree_root,
    verify_proof,
)


def leaves_of(count: int) -> list[UpdateLeaf]:
    return [
        UpdateLeaf(3 * i, cid_of(b"%d" % i), hashlib.sha256(b"%d" % i).hexdigest(), bytes([i % 256]) * 20)
        for i in range(count)
    ]


def golden_leaves(vector: dict[str, Any]) -> list[UpdateLeaf]:
    return [
        UpdateLeaf(update["id"], update["cid"], update["gradient_hash"], parse_address(update["miner"], "remes"))
        for update in vector["updates"]
    ]


def test_merkle_root_golden_rounds_match(protocol_vectors: dict[str, Any]) -> None:
    found = [merkle_root(golden_leaves(vector)) for vector in protocol_vectors["rounds"]]
    assert found == [vector["merkle_root"] for vector in protocol_vectors["rounds"]]


@pytest.mark.parametrize(
    ("items", "root"),
    [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ([""], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (["010203"], "054edec1d0211f624fed0cbca9d4f9400b0e491c43742af2c5b0abebf0c990d8"),
        (["010203", "040506"], "82e6cfce00453804379b53962939eaa7906b39904be0813fcadd31b100773c4b"),
        (
            ["0102", "0304", "0506", "0708", "090a"],
            "f326493eceab4f2d9ffbc78c59432a0a005d6ea98392045c74df5d14a113be18",
        ),
    ],
)
def test_tree_root_cometbft_vectors_match(items: list[str], root: str) -> None:
    assert tree_root([bytes.fromhex(item) for item in items]).hex() == root


def test_merkle_root_no_leaf_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no leaf"):
        merkle_root([])


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_merkle_root_ids_not_ascending_are_refused(order: list[int]) -> None:
    leaves = leaves_of(2)
    with pytest.raises(InvalidInput, match="ascend"):
        merkle_root([leaves[i] for i in order])


def test_merkle_root_repeated_last_leaf_does_not_share_a_root() -> None:
    three = leaves_of(3)
    assert merkle_root(three) != merkle_root([*three, replace(three[2], update_id=7)])


@given(st.integers(1, 40), st.data())
def test_verify_proof_true_leaf_is_accepted_and_only_at_its_place(total: int, data: st.DataObject) -> None:
    leaves = leaves_of(total)
    index = data.draw(st.integers(0, total - 1))
    root, path = merkle_root(leaves), prove(leaves, index)
    assert [i for i in range(total + 2) if verify_proof(leaves[index], i, total, path, root)] == [index]


def test_verify_proof_forged_total_index_or_path_is_refused() -> None:
    leaves = leaves_of(5)
    root, path = merkle_root(leaves), prove(leaves, 4)
    assert verify_proof(leaves[4], 4, 5, path, root)
    assert not verify_proof(leaves[4], 4, 8, path, root)
    assert not verify_proof(leaves[4], 5, 5, path, root)
    assert not verify_proof(leaves[4], -1, 5, path, root)
    assert not verify_proof(leaves[3], 4, 5, path, root)
    assert not verify_proof(leaves[4], 4, 5, (*path, bytes(32)), root)
    assert not verify_proof(leaves[4], 4, 5, path[:-1], root)
    assert not verify_proof(leaves[4], 4, 5, (path[0][:31],), root)
    assert not verify_proof(leaves[0], 0, 0, (), root)


def test_prove_index_outside_is_refused() -> None:
    with pytest.raises(InvalidInput):
        prove(leaves_of(3), 3)


@pytest.mark.parametrize(
    "broken",
    [
        {"update_id": -1},
        {"gradient_hash": "AB" * 32},
        {"miner": bytes(19)},
    ],
)
def test_leaf_encode_field_not_canonical_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(leaves_of(1)[0], **broken).encode()


def test_leaf_encode_cid_v0_is_refused() -> None:
    with pytest.raises(InvalidCid):
        replace(leaves_of(1)[0], cid="QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o").encode()


def test_leaf_encode_has_96_bytes() -> None:
    assert len(leaves_of(1)[0].encode()) == 96


@pytest.mark.parametrize(
    "text", ["7e" * 32, "v1:" + "7e" * 32, "v2:" + "7E" * 32, "v2:" + "7e" * 31, " v2:" + "7e" * 32]
)
def test_check_merkle_root_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_merkle_root(text)


@pytest.mark.parametrize(
    ("count", "root"),
    [
        (1, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
        (2, "3bd6106cfeaf425b4161cb75f2f7e2d135ec2112b05f1c95e5701e4e587ba753"),
        (3, "36b1225b48499f821dd20d36e9687334099b8961fc60543faa39772c543d7ab9"),
    ],
)
def test_merkle_root_v1_predecessor_vectors_match(count: int, root: str) -> None:
    assert merkle_root_v1([hashlib.sha256(bytes([i + 1])).hexdigest() for i in range(count)]) == root


def test_merkle_root_v1_no_leaf_is_refused() -> None:
    with pytest.raises(InvalidInput):
        merkle_root_v1([])
