"""`r3mes tx` and `r3mes query` against a real node."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import yaml

from r3mes_ray.chain.keyring import Keyring
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.cli.main import execute
from r3mes_ray.localnet.genesis import genesis_of
from r3mes_ray.localnet.server import Endpoints, serve_chain
from r3mes_ray.settings import Settings

ALICE, BOB = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
FUNDS = 1_000_000_000
Run = Callable[..., tuple[int, Any]]


def run_node(settings: Settings, ready: Future[tuple[Endpoints, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        genesis = genesis_of(settings, {ALICE.address("remes"): FUNDS})
        await serve_chain(settings, genesis, ready=lambda found: ready.set_result((found, loop, stop)), stop=stop)

    try:
        asyncio.run(serve())
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with two keys whose chain runs in a thread."""
    monkeypatch.setenv("R3MES_KEYRING_PASSPHRASE", "words of the test")
    keyring = Keyring(tmp_path / "keyring")
    keyring.save("alice", ALICE, "words of the test")
    keyring.save("bob", BOB, "words of the test")
    ready: Future[tuple[Endpoints, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    local = {"grpc_port": 0, "rpc_port": 0, "block_time_ms": 20}
    thread = threading.Thread(
        target=run_node, args=(Settings.model_validate({"home": tmp_path, "localnet": local}), ready)
    )
    thread.start()
    endpoints, loop, stop = ready.result(timeout=30)
    config = {"chain": {"grpc_address": endpoints.grpc}, "keyring": {"key": "alice"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    yield tmp_path
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture
def r3mes(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with --json: exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, Any]:
        code = execute([*arguments, "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_tx_send_pays_and_is_found_by_its_hash(r3mes: Run) -> None:
    code, sent = r3mes("tx", "send", "bob", "--amount", "5uremes", "--from", "alice", "--memo", "for bob")
    assert (code, sent["code"]) == (0, 0)
    assert r3mes("query", "balance", "bob")[1]["coins"] == [{"amount": 5, "denom": "uremes"}]
    for command in (("tx", "show"), ("query", "tx")):
        code, found = r3mes(*command, sent["txhash"].lower())
        assert (code, found["height"], found["memo"]) == (0, sent["height"], "for bob")
        assert found["messages"] == ["/cosmos.bank.v1beta1.MsgSend"]
    assert r3mes("query", "block", str(sent["height"]))[1]["transactions"] == [sent["txhash"]]


def test_tx_send_bare_number_is_in_the_base_denomination(r3mes: Run) -> None:
    to = BOB.address("remes")
    code, _ = r3mes("tx", "send", to, "--amount", "7", "--gas", "150000", "--gas-price", "0.03uremes")
    assert code == 0
    account = r3mes("query", "account")[1]
    assert (account["address"], account["sequence"]) == (ALICE.address("remes"), 1)
    assert account["public_key"] == ALICE.public_key.hex()
    assert r3mes("query", "balance", "alice")[1]["coins"][0]["amount"] == FUNDS - 7 - 4500


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("tx", "send", "bob", "--amount", "5000000000uremes", "--from", "alice"), "TxRejected"),
        (("tx", "send", "alice", "--amount", "5uremes", "--from", "bob"), "NotOnChain"),
        (("tx", "send", "carol", "--amount", "5uremes"), "KeyNotFound"),
        (("tx", "send", "remes1carol", "--amount", "5uremes"), "InvalidAddress"),
        (("tx", "send", "bob", "--amount", "five"), "InvalidInput"),
        (("tx", "send", "bob", "--amount", "5", "--gas", "much"), "ConfigError"),
        (("tx", "send", "bob", "--amount", "5", "--gas-price", "free"), "InvalidInput"),
        (("tx", "show", "ABCD"), "InvalidInput"),
        (("tx", "show", "AB" * 32), "NotOnChain"),
        (("query", "round", "0"), "NotOnChain"),
        (("query", "commitment", "0", "alice"), "NotOnChain"),
        (("query", "gradients", "--round", "0"), "NotOnChain"),
        (("query", "aggregation", "0"), "NotOnChain"),
        (("query", "expert", "python"), "NotOnChain"),
        (("query", "node"), "NotOnChain"),
        (("query", "block", "999999"), "NotOnChain"),
    ],
)
def test_command_that_cannot_succeed_is_a_clear_error(r3mes: Run, arguments: tuple[str, ...], kind: str) -> None:
    code, answer = r3mes(*arguments)
    assert (code, answer["error"]["type"]) == (1, kind)
    assert answer["error"]["message"]


def test_query_lists_are_empty_on_a_new_chain(r3mes: Run) -> None:
    assert r3mes("query", "experts") == (0, [])
    assert r3mes("query", "rounds") == (0, [])
    code, params = r3mes("query", "params")
    assert (code, params["rule_set"], params["denom"]) == (0, "v2", "uremes")
    assert r3mes("query", "block")[1]["chain_id"] == "remes-test"


def test_query_statistics_counts_nothing_on_a_new_chain(r3mes: Run) -> None:
    code, counts = r3mes("query", "statistics")
    assert (code, counts["miners"], counts["updates"]) == (0, 0, 0)
