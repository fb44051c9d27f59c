"""Two nodes that are 50 ms apart and a third that lies, each a process in a network namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from slow_wire import NETWORK, SlowWire

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and tun devices"),
]
R3MES = (sys.executable, "-m", "r3mes_ray.cli.main")
LATENCY_S = 0.05
PORT = 8085


@pytest.fixture(scope="module")
def wire():
    with SlowWire(3, LATENCY_S) as wire:
        yield wire


@pytest.fixture
def start(wire):
    """Run a command in a namespace until the test ends; returns its first line."""
    started = []

    def run(number, *command):
        process = subprocess.Popen(wire.command(number, *command), stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process.stdout.readline()

    yield run
    for process in started:
        process.terminate()
        process.wait(20)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "model").write_bytes(os.urandom(9 * 2**20 + 5))
    for number in range(20):
        (folder / f"part-{number}").write_bytes(os.urandom(1000))
    return folder


def home(folder, *peers):
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump({"content": {"kind": "disk", "peers": list(peers)}}))
    return str(folder)


def r3mes(wire, number, *arguments):
    done = subprocess.run(
        wire.command(number, *R3MES, *arguments, "--json"), capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def check_that_one_lie_was_enough(log, cid):
    """None of the 30 other blocks was asked of it. The root was, where its CAR did not begin in time to be read."""
    first, *others = log.read_text().splitlines()
    assert first == f"/ipfs/{cid}?format=car&dag-scope=all"
    assert others in ([], [f"/ipfs/{cid}?format=raw"])


def test_a_node_fetches_verified_bytes_and_drops_the_liar(wire, start, package, tmp_path):
    owner = home(tmp_path / "owner")
    cid = r3mes(wire, 1, "content", "add", str(package), "--home", owner)[1]["cid"]
    assert json.loads(start(1, *R3MES, "content", "serve", "--host", f"{NETWORK}.1", "--home", owner, "--json")) == {
        "url": f"http://{NETWORK}.1:{PORT}"
    }
    log = tmp_path / "asked"
    script = str(Path(__file__).with_name("liar.py"))
    assert start(3, sys.executable, script, f"{NETWORK}.3", str(PORT), str(log)) == "ready\n"
    reader = home(tmp_path / "reader", f"http://{NETWORK}.3:{PORT}", f"http://{NETWORK}.1:{PORT}")

    begun = time.monotonic()
    code, said = r3mes(wire, 2, "content", "get", cid, str(tmp_path / "out"), "--home", reader)
    assert code == 0, said
    assert time.monotonic() - begun > 2 * LATENCY_S
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        path.name: path.read_bytes() for path in package.iterdir()
    }
    check_that_one_lie_was_enough(log, cid)
    code, found = r3mes(wire, 2, "content", "verify", "--home", reader)
    assert (code, found["damaged"]) == (0, [])
    assert r3mes(wire, 2, "content", "pin", cid, "--home", reader)[0] == 0


def test_a_node_that_only_the_liar_answers_gets_nothing(wire, start, package, tmp_path):
    owner = home(tmp_path / "owner")
    cid = r3mes(wire, 1, "content", "add", str(package), "--home", owner)[1]["cid"]
    script = str(Path(__file__).with_name("liar.py"))
    start(3, sys.executable, script, f"{NETWORK}.3", str(PORT), str(tmp_path / "asked"))
    reader = home(tmp_path / "reader", f"http://{NETWORK}.3:{PORT}")
    code, said = r3mes(wire, 2, "content", "get", cid, str(tmp_path / "out"), "--home", reader)
    assert (code, said["error"]["type"]) == (1, "ContentNotFound")
    check_that_one_lie_was_enough(tmp_path / "asked", cid)
    assert not (tmp_path / "out").exists()
