"""`r3mes verify`, on the golden file and on the same file changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from r3mes_ray.cli.main import execute
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.merkle import UpdateLeaf, prove

GOLDEN = Path(__file__).parents[2] / "golden" / "protocol_v2.json"
COMMANDS = ("commitment", "merkle", "gradient-hash")


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def run(command: str, document: Any) -> tuple[int, Any]:
        path = tmp_path / "claim.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        code = execute(["verify", command, str(path), "--home", str(tmp_path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize(("command", "count"), [("commitment", 3), ("merkle", 3), ("gradient-hash", 1)])
def test_golden_file_is_ok(verify, command: str, count: int) -> None:
    code, answer = verify(command, GOLDEN.read_text())
    assert (code, answer["ok"], answer["verified"] >= count) == (0, True, True)


def test_ok_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["verify", "commitment", str(GOLDEN), "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "ok\n"


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("commitment_hash", "v2:" + "0" * 64, "rounds[0].commitment_hash"),
        ("merkle_root", "v2:" + "0" * 64, "rounds[0].merkle_root"),
        ("preimage", "00", "rounds[0].preimage"),
        ("round", 1, "rounds[0].preimage"),
        ("salt", "0" * 64, "rounds[0].preimage"),
        ("chain_id", "remes-2", "rounds[0].preimage"),
    ],
)
def test_changed_commitment_names_what_differs(verify, field: str, value: object, where: str) -> None:
    document = json.loads(GOLDEN.read_text())
    document["rounds"][0][field] = value
    code, answer = verify("commitment", document)
    assert (code, answer["error"]["type"]) == (1, "ClaimDiffers")
    assert answer["error"]["message"].startswith(where)


def test_one_claim_alone_is_verified(verify) -> None:
    one = json.loads(GOLDEN.read_text())["rounds"][1]
    assert verify("commitment", one)[1] == {"ok": True, "verified": 1}
    del one["preimage"]
    assert verify("commitment", one)[0] == 0
    assert verify("merkle", {"updates": one["updates"], "merkle_root": one["merkle_root"]})[0] == 0


def test_changed_tensor_names_the_hash(verify) -> None:
    claim = json.loads(GOLDEN.read_text())["gradient_hashes"][0]
    tensor = next(iter(claim["tensors"].values()))
    tensor["data_hex"] = "00" + tensor["data_hex"][2:]
    code, answer = verify("gradient-hash", claim)
    assert (code, answer["error"]["type"]) == (1, "ClaimDiffers")
    assert claim["gradient_hash"] in answer["error"]["message"]


def test_inclusion_proof_holds_for_its_update_alone(verify) -> None:
    found = json.loads(GOLDEN.read_text())["rounds"][2]
    leaves = [
        UpdateLeaf(entry["id"], entry["cid"], entry["gradient_hash"], parse_address(entry["miner"], "remes"))
        for entry in found["updates"]
    ]
    claim = {
        "update": found["updates"][3],
        "index": 3,
        "total": 7,
        "path": [node.hex() for node in prove(leaves, 3)],
        "merkle_root": found["merkle_root"],
    }
    assert verify("proof", claim)[0] == 0
    for changed in ({"index": 4}, {"total": 9}, {"update": found["updates"][2]}, {"path": claim["path"][1:]}):
        code, answer = verify("proof", {**claim, **changed})
        assert (code, answer["error"]["type"]) == (1, "ClaimDiffers")


@pytest.mark.parametrize("command", [*COMMANDS, "proof"])
@pytest.mark.parametrize("document", ["", "{", "[" * 100_000, "[]", "{}", "3", "null", '[{"x": 1}]'])
def test_file_without_a_claim_is_refused(verify, command: str, document: str) -> None:
    code, answer = verify(command, document)
    assert (code, answer["error"]["type"]) == (1, "InvalidInput")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("round", -1),
        ("round", "7"),
        ("salt", "AB" * 32),
        ("proposer", "remes1x"),
        ("aggregate_cid", "Qm"),
        ("extra", 1),
    ],
)
def test_text_that_is_not_canonical_is_refused(verify, field: str, value: object) -> None:
    claim = copy.deepcopy(json.loads(GOLDEN.read_text())["rounds"][1])
    claim[field] = value
    code, answer = verify("commitment", claim)
    assert (code, answer["error"]["type"]) in ((1, "InvalidInput"), (1, "InvalidAddress"), (1, "InvalidCid"))
