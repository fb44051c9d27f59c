"""`r3mes chain export`, `import`, `reset` and `faucet`, and the flags of `start`, as their user types them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, coin_messages, sign_tx
from r3mes_ray.cli.main import execute
from r3mes_ray.localnet.genesis import canonical, genesis_of, genesis_path
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.server import only_process
from r3mes_ray.localnet.store import open_store
from r3mes_ray.settings import Settings
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend

KEY = PrivateKey(b"\x11" * 32)
OWNER = KEY.address("remes")


@pytest.fixture
def r3mes(capsys: pytest.CaptureFixture[str]):
    """Run a command with --json in a home: exit code and what it printed."""

    def run(home: Path, *arguments: object):
        code = execute([*map(str, arguments), "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose chain has three blocks, with a send in the second."""
    settings = Settings(home=tmp_path / "home")
    genesis = genesis_of(settings, {OWNER: 10**9}, datetime(2026, 1, 1, tzinfo=UTC))
    path = genesis_path(settings)
    path.parent.mkdir(parents=True)
    path.write_bytes(canonical(genesis))
    node = ChainNode(genesis, open_store(path.parent / "chain.sqlite", genesis))
    node.produce(node.store.head.time_ns + 10**9)
    send = MsgSend(from_address=OWNER, to_address=OWNER, amount=coin_messages([Coin(1, "uremes")]))
    node.add(sign_tx(KEY, [send], Signer("remes-test", 3, 0), Terms(100_000, (Coin(2_500, "uremes"),))).raw)
    for _ in range(2):
        node.produce(node.store.head.time_ns + 10**9)
    node.store.close()
    return settings.home


def test_chain_export_then_import_brings_every_block_to_another_home(r3mes, home: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "chain.jsonl", tmp_path / "other"
    assert r3mes(home, "chain", "export", file) == (0, {"chain_id": "remes-test", "height": 3, "path": str(file)})
    code, moved = r3mes(other, "chain", "import", file)
    assert (code, moved["chain_id"], moved["height"]) == (0, "remes-test", 3)
    again = tmp_path / "again.jsonl"
    r3mes(other, "chain", "export", again)
    assert again.read_bytes() == file.read_bytes()
    assert file.read_bytes().count(b"\n") == 4


def test_chain_export_over_a_file_is_refused(r3mes, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "chain.jsonl"
    file.write_text("mine")
    code, answer = r3mes(home, "chain", "export", file)
    assert (code, answer["error"]["type"], file.read_text()) == (1, "ConfigError", "mine")


def test_chain_export_while_it_runs_is_refused(r3mes, home: Path, tmp_path: Path) -> None:
    with only_process(home / "chain" / "lock", home):
        code, answer = r3mes(home, "chain", "export", tmp_path / "x")
    assert (code, answer["error"]["type"]) == (1, "AlreadyRunning")
    assert not (tmp_path / "x").exists()


def test_chain_import_over_a_chain_is_refused_and_names_the_way(r3mes, home: Path, tmp_path: Path) -> None:
    r3mes(home, "chain", "export", tmp_path / "chain.jsonl")
    code, answer = r3mes(home, "chain", "import", tmp_path / "chain.jsonl")
    assert (code, answer["error"]["type"]) == (1, "ConfigError")
    assert "r3mes chain reset" in answer["error"]["message"]


def test_chain_import_of_a_changed_file_is_refused_and_leaves_no_chain(r3mes, home: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "chain.jsonl", tmp_path / "other"
    r3mes(home, "chain", "export", file)
    file.write_bytes(file.read_bytes().replace(b'"amount":1000000000', b'"amount":9000000000'))
    code, answer = r3mes(other, "chain", "import", file)
    assert (code, answer["error"]["type"]) == (1, "ChainCorrupt")
    assert "another app hash" in answer["error"]["message"]
    assert not list((other / "chain").glob("*.sqlite*"))


@pytest.mark.parametrize(("flags", "chain_id"), [((), "remes-test-2"), (("--chain-id", "mine-1"), "mine-1")])
def test_chain_reset_begins_anew_and_keeps_the_old_one(r3mes, home: Path, flags: tuple, chain_id: str) -> None:
    code, moved = r3mes(home, "chain", "reset", *flags)
    assert (code, moved["chain_id"], moved["height"]) == (0, chain_id, 0)
    assert (Path(moved["path"]) / "chain.sqlite").is_file()
    assert json.loads((home / "chain" / "genesis.json").read_text())["chain_id"] == chain_id


def test_chain_reset_to_its_own_id_is_refused(r3mes, home: Path) -> None:
    code, answer = r3mes(home, "chain", "reset", "--chain-id", "remes-test")
    assert (code, answer["error"]["type"]) == (1, "ConfigError")


@pytest.mark.parametrize("command", [("export", "x"), ("reset",)])
def test_chain_command_without_a_chain_says_so(r3mes, tmp_path: Path, command: tuple[str, ...]) -> None:
    code, answer = r3mes(tmp_path, "chain", *command)
    assert (code, answer["error"]["type"]) == (1, "ConfigError")
    assert "has no chain" in answer["error"]["message"]


@pytest.mark.parametrize("amount", ["5", "uremes", "-5uremes", "0uremes", "5aaa"])
def test_chain_start_with_a_faucet_of_no_amount_is_refused(r3mes, tmp_path: Path, amount: str) -> None:
    code, answer = r3mes(tmp_path, "chain", "start", "--faucet", amount)
    assert (code, answer["error"]["type"]) == (1, "ConfigError")
    assert not (tmp_path / "chain").exists()


def test_chain_faucet_that_is_not_there_is_unavailable(r3mes, tmp_path: Path) -> None:
    code, answer = r3mes(tmp_path, "chain", "faucet", OWNER, "--node", "http://127.0.0.1:1")
    assert (code, answer["error"]["type"]) == (1, "ChainUnavailable")
