"""The chain as a process: started by its command, ended, started again, asked through the real client."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import NotOnChain
from r3mes_ray.settings import ChainSettings, Settings
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import GetTxRequest

pytestmark = pytest.mark.e2e

KEY = PrivateKey(b"\x11" * 32)
OTHER = PrivateKey(b"\x12" * 32).address("remes")
BALANCE = f"{KEY.address('remes')}=1000000000000uremes"


COMMAND = [sys.executable, "-m", "r3mes_ray.cli.main", "chain", "start"]


class Chain:
    """One home's chain; each start takes free ports."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[str] | None = None

    def start(self, *flags: str) -> dict:
        self.process = subprocess.Popen(
            [*COMMAND, "--home", str(self.home), "--grpc-port", "0", "--rpc-port", "0", "--json", *flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    made = Chain(tmp_path)
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose chain ran, and ended."""
    made = Chain(tmp_path_factory.mktemp("used"))
    made.start("--genesis-balance", BALANCE)
    assert made.end(signal.SIGTERM) == 0
    return made.home


def _settings(home: Path, address: str) -> Settings:
    return Settings(home=home, chain=ChainSettings(grpc_address=address, inclusion_timeout_s=5))


def test_chain_terminated_stops_and_frees_its_home(chain: Chain) -> None:
    first = chain.start("--genesis-balance", BALANCE)
    assert first["chain_id"] == "remes-test"
    assert chain.end(signal.SIGTERM) == 0
    assert chain.start("--genesis-balance", BALANCE)["chain_id"] == "remes-test"
    assert chain.end(signal.SIGINT) == 0


def test_chain_started_twice_is_refused(chain: Chain) -> None:
    chain.start()
    second = subprocess.run(
        [*COMMAND, "--home", str(chain.home), "--grpc-port", "0", "--json"], capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert json.loads(second.stdout)["error"]["type"] == "AlreadyRunning"


def test_chain_busy_port_is_refused_with_its_flag(chain: Chain) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--home", str(chain.home), "--grpc-port", str(port)], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert "--grpc-port" in done.stderr


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--chain-id", "remes-2"], "ChainMismatch"),
        (["--genesis-balance", f"{OTHER}=5uremes"], "GenesisConflict"),
        (["--genesis-balance", f"{OTHER}=5"], "ConfigError"),
        (["--genesis-balance", "remes1x=5uremes"], "GenesisConflict"),
    ],
)
def test_chain_other_genesis_is_refused(chain: Chain, used_home: Path, flags: list[str], error: str) -> None:
    chain.home = used_home
    assert chain.start(*flags)["error"]["type"] == error


def test_chain_tampered_database_is_refused(chain: Chain, used_home: Path) -> None:
    shutil.copytree(used_home, chain.home, dirs_exist_ok=True)
    path = chain.home / "chain" / "chain.sqlite"
    path.write_bytes(path.read_bytes().replace(b"1000000000000", b"9000000000000"))
    assert chain.start()["error"]["type"] == "ChainCorrupt"


async def test_chain_idle_answers_queries_and_names_what_it_lacks(chain: Chain) -> None:
    address = chain.start("--genesis-balance", BALANCE)["grpc"]
    client = open_chain(_settings(chain.home, address), None)
    assert (await client.status()).chain_id == "remes-test"
    with pytest.raises(NotOnChain):
        await client.query(GetTxRequest(hash="00" * 32))
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary("/remes.remes.v1.Query/QueryVaultStats")
        with pytest.raises(grpc.aio.AioRpcError, match=r"remes\.remes\.v1\.Query\.QueryVaultStats") as caught:
            await call(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
