"""A home set up for a network that another home runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.e2e


def test_chain_init_joins_a_running_network(process, r3mes, tmp_path: Path) -> None:
    chain = process("chain", "start", "--home", tmp_path / "a", "--json", "--grpc-port", 0, "--rpc-port", 0)
    address = chain.wait_json()["grpc"]
    genesis = tmp_path / "a" / "chain" / "genesis.json"
    command = ("chain", "init", "--home", tmp_path / "b", "--node", address)
    code, joined, _ = r3mes(*command, "--join", genesis)
    assert (code, joined["chain_id"], joined["node"]) == (0, "remes-test", address)
    config = yaml.safe_load((tmp_path / "b" / "config.yaml").read_text())
    assert (config["chain"]["grpc_address"], config["chain"]["chain_id"]) == (address, "remes-test")
    code, answer, _ = r3mes(*command, "--join", genesis)
    assert (code, answer["error"]["type"]) == (1, "ConfigError")
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**json.loads(genesis.read_text()), "chain_id": "other-1"}))
    code, answer, _ = r3mes("chain", "init", "--home", tmp_path / "c", "--node", address, "--join", other)
    assert (code, answer["error"]["type"]) == (1, "ChainMismatch")
