"""The main job, shortened: fewer training steps, everything else as in `make demo`."""

import pytest
import yaml

pytestmark = pytest.mark.e2e
STEPS = 25


def test_demo_shows_that_the_aggregate_helps_and_leaves_nothing_running(tmp_path, r3mes):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"training": {"mining": {"steps": STEPS}}}))
    code, result, said = r3mes("demo", "--home", tmp_path, timeout_s=570)
    assert code == 0, f"{result}\n{said[-3000:]}"

    losses = {score["who"]: score for score in result["scores"]}
    assert list(losses) == ["base model", "update of alice", "update of bob", "update of carol", "aggregate"]
    aggregate = losses["aggregate"]
    assert aggregate["loss"] <= losses["base model"]["loss"] - 0.1
    assert aggregate["high"] < 0
    assert aggregate["cid"] == result["cid"] == result["answer"]["cid"]
    assert len({score["cid"] for score in result["scores"]}) == 5
    assert result["answer"]["version"].endswith("/python@1")
    assert result["answer"]["how"]
    assert result["merkle_root"].startswith("v2:")
    what = [item[0] for item in result["transactions"]]
    assert what[-3:] == ["commit", "reveal", "submit"]
    assert len({item[1] for item in result["transactions"]}) == 8

    code, refused, _ = r3mes("status", "--home", tmp_path / "demo")
    assert (code, refused["error"]["type"]) == (1, "NotRunning")
