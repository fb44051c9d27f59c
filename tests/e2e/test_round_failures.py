"""What a round does when parts of it die: a worker, a host of the cluster, a peer, the chain."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from gate import Gate
from rounds import ENVIRONMENT, Network

from r3mes_ray.content import open_store
from r3mes_ray.node.ports import free_ports
from r3mes_ray.settings import load_settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CUT_OFF_S = 30
PEER_TIMEOUT_S = 60
"""How long the proposer's workers wait at the closed gate."""


@pytest.fixture(scope="module")
def gate(tmp_path_factory, new_home, process, rounds_environment):
    """The miners' content behind a gate; `gate.store` is where they put it."""
    home = new_home(tmp_path_factory.mktemp("miners"))
    settings = load_settings(home, None)
    process("content", "serve", "--home", home, "--json").wait_json()
    gate = Gate(settings.content_server.port)
    gate.store = open_store(settings)
    return gate


@pytest.fixture(scope="module")
def network(tmp_path_factory, new_home, process, ray_address, rounds_environment, gate):
    """Whose proposer has two peers: the miners' one, and one that nobody answers for."""
    dead = f"http://127.0.0.1:{free_ports(1)[0]}"
    content = {"kind": "disk", "peers": [gate.url, dead], "peer_timeout_s": PEER_TIMEOUT_S}
    root = tmp_path_factory.mktemp("failures")
    return Network(root, new_home, process, ray_address, miners=3, content=content)


def run(network, process, opened, ray_address=None):
    """Start the proposer; `ray_address` is of another cluster than the shared one."""
    network.skip_to(opened.submit_end)
    flags = ("--expert", opened.expert, "--home", network.home, "--json")
    if ray_address is not None:
        config = yaml.safe_load((network.home / "config.yaml").read_text())
        other = network.root / "other.yaml"
        other.write_text(yaml.safe_dump(config | {"ray": config["ray"] | {"address": ray_address}}))
        flags = (*flags, "--config", other)
    return process("round", "run", *flags, env=ENVIRONMENT)


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def stat_of(pid):
    """State, and the parent's process id; X, 0 of a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "X", 0


def state_of(pid):
    return stat_of(pid)[0]


def parent_of(pid):
    return int(stat_of(pid)[1])


def processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def fetching(is_raylet):
    """Workers that fetch an update, below the raylet that is asked for."""
    return [pid for pid in processes() if command_of(pid).startswith("ray::fetch") and is_raylet(parent_of(pid))]


def wait_until(found, running, *, timeout_s=180, pause_s=0.05):
    until = time.monotonic() + timeout_s
    while not (what := found()):
        assert running.process.poll() is None, running.text
        assert time.monotonic() < until, running.text
        time.sleep(pause_s)
    return what


def caught(task, is_raylet):
    """A worker that was stopped amid a task of that name."""
    for pid in processes():
        if command_of(pid).startswith(f"ray::{task}") and is_raylet(parent_of(pid)):
            os.kill(pid, signal.SIGSTOP)
            while state_of(pid) not in "TX":
                time.sleep(0.001)
            if command_of(pid).startswith(f"ray::{task}"):
                return pid
            os.kill(pid, signal.SIGCONT)
    return None


def test_round_whose_workers_are_killed_while_they_fetch_and_aggregate_has_the_cid_of_one_process(
    network, process, gate, ray_address, r3mes
):
    gate.close()
    opened = network.open_round("python", store=gate.store)
    proposer = run(network, process, opened)

    def below(pid):
        return ray_address in command_of(pid)

    for pid in wait_until(lambda: fetching(below), proposer):
        os.kill(pid, signal.SIGKILL)
    gate.open()
    os.kill(wait_until(lambda: caught("aggregate", below), proposer, pause_s=0), signal.SIGKILL)
    report = network.finish(opened, proposer)
    assert (len(report["accepted"]), report["excluded"]) == (2, [])
    code, found, said = r3mes("round", "verify", opened.round_id, "--home", network.home)
    assert (code, found["verdict"], found["own_cid"]) == (0, "EXACT", report["cid"]), said


def test_round_ends_without_the_content_that_never_arrives(network, process, gate):
    gate.open()
    opened = network.open_round("legal", updates=3, missing=1, store=gate.store)
    proposer = run(network, process, opened)
    network.wait_for(proposer, "1 updates are not to be had yet")
    network.skip_to((opened.submit_end + opened.commit_end) // 2)
    report = network.finish(opened, proposer)
    assert len(report["accepted"]) == 2
    assert [entry["rule"] for entry in report["excluded"]] == ["content-missing"]


def be_down(network, seconds):
    network.kill_chain()
    time.sleep(seconds)
    network.start_chain()


def be_cut_off(network, seconds):
    """Connections stay, and nothing answers."""
    os.kill(network.chain.process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(network.chain.process.pid, signal.SIGCONT)


@pytest.mark.parametrize("down_s", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_round_goes_on_when_the_chain_was_down_and_cut_off(network, process, gate, down_s):
    """Down while updates are fetched, and again while the proposer waits to reveal; then cut off for half a minute."""
    gate.close()
    opened = network.open_round("python", store=gate.store)
    proposer = run(network, process, opened)
    network.wait_for(proposer, "[2/9] fetch")
    be_down(network, down_s)
    gate.open()
    network.wait_for(proposer, "[8/9] reveal")
    be_down(network, down_s)
    be_cut_off(network, CUT_OFF_S)
    report = network.finish(opened, proposer)
    assert len(report["accepted"]) == 2


@pytest.fixture
def two_nodes():
    """A cluster of its own: its address, and the process id of the second node's raylet."""
    script = str(Path(__file__).with_name("two_nodes.py"))
    cluster = subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | ENVIRONMENT,
    )
    yield SimpleNamespace(**json.loads(cluster.stdout.readline()))
    cluster.communicate("\n", timeout=120)


@pytest.fixture
def silenced():
    """Processes that were stopped, and are killed at the end."""
    found = []
    yield found
    for pid in found:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.soak
@pytest.mark.parametrize("how", ["dies", "is cut off", "is cut off while it aggregates"])
def test_round_whose_host_fails_goes_on_on_the_others(network, process, gate, two_nodes, silenced, how):
    """A host that is cut off keeps its connections, and answers nothing: so do stopped processes."""

    def second(pid):
        return pid == two_nodes.raylet

    gate.close()
    opened = network.open_round("python", store=gate.store)
    proposer = run(network, process, opened, ray_address=two_nodes.address)
    wait_until(lambda: fetching(second), proposer)
    if how == "is cut off while it aggregates":
        gate.open()
        wait_until(lambda: caught("aggregate", second), proposer, pause_s=0)
    if how == "dies":
        os.kill(two_nodes.raylet, signal.SIGKILL)
    else:
        silenced += [two_nodes.raylet, *(pid for pid in processes() if parent_of(pid) == two_nodes.raylet)]
        for pid in silenced:
            os.kill(pid, signal.SIGSTOP)
    gate.open()
    report = network.finish(opened, proposer)
    assert (len(report["accepted"]), report["excluded"]) == (2, [])
