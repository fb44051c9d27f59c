"""What a round does when parts of it die: a worker, a host of the cluster, a peer, the chain."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gate import Gate
from rounds import ENVIRONMENT, Network

from r3mes_ray.content import open_store
from r3mes_ray.node.ports import free_ports
from r3mes_ray.settings import load_settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

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


def run(network, process, opened):
    network.skip_to(opened.submit_end)
    return process("round", "run", "--expert", opened.expert, "--home", network.home, "--json", env=ENVIRONMENT)


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def parent_of(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def fetching(is_raylet):
    """Workers that fetch an update, below the raylet that is asked for."""
    return [pid for pid in processes() if command_of(pid).startswith("ray::fetch") and is_raylet(parent_of(pid))]


def wait_until(found, running, timeout_s=180):
    until = time.monotonic() + timeout_s
    while not (what := found()):
        assert running.process.poll() is None, running.text
        assert time.monotonic() < until, running.text
        time.sleep(0.05)
    return what


def test_round_whose_workers_are_killed_while_they_fetch_takes_every_update(network, process, gate, ray_address):
    gate.close()
    opened = network.open_round("python", store=gate.store)
    proposer = run(network, process, opened)
    workers = wait_until(lambda: fetching(lambda pid: ray_address in command_of(pid)), proposer)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    gate.open()
    report = network.finish(opened, proposer)
    assert (len(report["accepted"]), report["excluded"]) == (2, [])


def test_round_ends_without_the_content_that_never_arrives(network, process, gate):
    gate.open()
    opened = network.open_round("legal", updates=3, missing=1, store=gate.store)
    proposer = run(network, process, opened)
    network.wait_for(proposer, "1 updates are not to be had yet")
    network.skip_to((opened.submit_end + opened.commit_end) // 2)
    report = network.finish(opened, proposer)
    assert len(report["accepted"]) == 2
    assert [entry["rule"] for entry in report["excluded"]] == ["content-missing"]


def test_round_with_too_little_content_says_so(network, process, gate):
    gate.open()
    opened = network.open_round("optics", updates=2, missing=1, store=gate.store)
    proposer = run(network, process, opened)
    network.wait_for(proposer, "1 updates are not to be had yet")
    network.skip_to((opened.submit_end + opened.commit_end) // 2)
    said = proposer.wait_json()
    assert (proposer.process.wait(60), said["error"]["type"]) == (1, "TooFewUpdates")
    assert "1 valid updates, its rule needs 2" in said["error"]["message"]
    assert "rule content-missing" in proposer.text
    assert network.commitment(opened.round_id) is None


def be_down(network, seconds):
    network.kill_chain()
    time.sleep(seconds)
    network.start_chain()


@pytest.mark.parametrize("down_s", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_round_goes_on_when_the_chain_was_down(network, process, gate, down_s):
    """Down while updates are fetched, and again while the proposer waits to reveal."""
    gate.close()
    opened = network.open_round("python", store=gate.store)
    proposer = run(network, process, opened)
    network.wait_for(proposer, "[2/9] fetch")
    be_down(network, down_s)
    gate.open()
    network.wait_for(proposer, "[8/9] reveal")
    be_down(network, down_s)
    report = network.finish(opened, proposer)
    assert len(report["accepted"]) == 2


@pytest.fixture
def second_node(ray_address):
    """Another node of the cluster, on this machine; gives the process id of its raylet."""
    flags = ("--num-cpus=2", "--object-store-memory=100000000", "--node-ip-address=127.0.0.1", "--block")
    command = [str(Path(sys.executable).with_name("ray")), "start", f"--address={ray_address}", *flags]
    token = {"RAY_AUTH_MODE": "token"} if Path("~/.ray/auth_token").expanduser().exists() else {}
    env = os.environ | ENVIRONMENT | token | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
    node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    until = time.monotonic() + 120
    while not (found := [pid for pid in processes() if is_raylet_of(pid, node.pid)]):
        assert node.poll() is None, node.stdout.read()
        assert time.monotonic() < until
        time.sleep(0.2)
    yield found[0]
    node.terminate()
    node.communicate(timeout=60)


def is_raylet_of(pid, node):
    return parent_of(pid) == node and "/raylet " in command_of(pid)


def test_round_whose_host_dies_goes_on_on_the_others(network, process, gate, second_node):
    gate.close()
    opened = network.open_round("python", store=gate.store)
    proposer = run(network, process, opened)
    wait_until(lambda: fetching(lambda pid: pid == second_node), proposer)
    os.kill(second_node, signal.SIGKILL)
    gate.open()
    report = network.finish(opened, proposer)
    assert (len(report["accepted"]), report["excluded"]) == (2, [])
