"""A home set up for a network that another home runs, with its first coins from that network's faucet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.e2e

ENV = {"R3MES_KEYRING_PASSPHRASE": "words of the test"}


@pytest.fixture(scope="module")
def network(process, tmp_path_factory) -> dict[str, object]:
    """A home that runs a chain with a faucet."""
    home = tmp_path_factory.mktemp("network")
    ports = ("--grpc-port", 0, "--rpc-port", 0, "--faucet-port", 0, "--block-time-ms", 100)
    flags = ("--faucet", "5000000uremes", *ports)
    return {
        "home": home,
        "genesis": home / "chain" / "genesis.json",
        **process("chain", "start", "--home", home, "--json", *flags, env=ENV).wait_json(),
    }


def test_chain_init_joins_a_running_network(network, r3mes, tmp_path: Path) -> None:
    command = ("chain", "init", "--home", tmp_path / "b", "--node", network["grpc"])
    code, joined, _ = r3mes(*command, "--join", network["genesis"])
    assert (code, joined["chain_id"], joined["node"]) == (0, "remes-test", network["grpc"])
    config = yaml.safe_load((tmp_path / "b" / "config.yaml").read_text())
    assert (config["chain"]["grpc_address"], config["chain"]["chain_id"]) == (network["grpc"], "remes-test")
    code, answer, _ = r3mes(*command, "--join", network["genesis"])
    assert (code, answer["error"]["type"]) == (1, "ConfigError")


def test_chain_init_refuses_a_node_of_another_chain(network, r3mes, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**json.loads(network["genesis"].read_text()), "chain_id": "other-1"}))
    code, answer, _ = r3mes("chain", "init", "--home", tmp_path / "c", "--node", network["grpc"], "--join", other)
    assert (code, answer["error"]["type"]) == (1, "ChainMismatch")


def test_chain_faucet_pays_who_joined_and_the_coins_can_be_spent(network, r3mes, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "d")
    flags = ("--join", network["genesis"], "--node", network["grpc"], "--faucet", f"http://{network['faucet']}")
    assert r3mes("chain", "init", *flags, *home)[0] == 0
    _, key, _ = r3mes("keys", "add", "operator", *home, env=ENV)
    code, credit, text = r3mes("chain", "faucet", *home)
    assert (code, credit["address"], credit["amount"]) == (0, key["address"], "5000000uremes"), text
    _, found, _ = r3mes("query", "tx", credit["txhash"], *home)
    assert (found["code"], found["height"]) == (0, credit["height"])
    assert found["messages"] == ["/cosmos.bank.v1beta1.MsgSend"]
    _, faucet, _ = r3mes("keys", "show", "faucet", "--home", network["home"])
    code, sent, _ = r3mes("tx", "send", faucet["address"], "--amount", "1000000uremes", *home, env=ENV)
    assert code == 0, sent
    code, answer, _ = r3mes("chain", "faucet", "operator", "--node", f"http://{network['faucet']}", *home)
    assert (code, answer["error"]["type"]) == (1, "FaucetRefused")
    assert "this address got coins" in answer["error"]["message"]
