"""`ray up` on two hosts: the node on the head uses the cluster, and the round's tasks run on the worker."""

import json
import sys
import time
from pathlib import Path

import pytest
import yaml
from hosts import Hosts

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
STEPS = 6
CONFIG = {
    "ray": {"address": "auto"},
    "localnet": {
        "block_time_ms": 400,
        "submit_blocks": 40,
        "commit_blocks": 150,
        "reveal_blocks": 40,
        "challenge_blocks": 8,
    },
    "serving": {"host": "0.0.0.0", "routing": {"embedder": "hashing"}},
    "content": {"peers": ["http://10.99.0.1:8085"]},
    "content_server": {"host": "10.99.0.1", "port": 8085},
    "training": {"mining": {"steps": STEPS}, "min_updates": 2},
}
MINER = {"content": {"path": "/root/.r3mes/content"}, "training": {"mining": {"steps": STEPS}}}
WITHOUT_VERSION_2 = {"RAY_UP_enable_autoscaler_v2": "0", "RAY_AUTH_MODE": "disabled"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two hosts with a Ray cluster that `ray up` started from the shipped file."""
    state = tmp_path_factory.mktemp("hosts")
    kept = [ROOT, Path(sys.base_prefix).resolve()]
    with Hosts(state, 2, kept) as hosts:
        shipped = yaml.safe_load((ROOT / "cluster" / "on-premise.yaml").read_text())
        shipped["auth"]["ssh_private_key"] = str(hosts.key)
        path = state / "on-premise.yaml"
        path.write_text(yaml.safe_dump(shipped))
        bin_folder = Path(sys.executable).parent
        up = hosts.control(str(bin_folder / "ray"), "up", "-y", "--no-config-cache", str(path), **WITHOUT_VERSION_2)
        assert up.returncode == 0, up.stdout + up.stderr
        wait_until(lambda: len(alive_nodes(hosts)) == 2, "two nodes", 180)
        yield hosts


def on_head(hosts, command, timeout_s=240):
    done = hosts.ssh(0, command, timeout_s)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def api(hosts, path):
    """What Ray's dashboard says, asked from the operator's place."""
    done = hosts.control("curl", "-s", f"http://10.99.0.1:8265{path}")
    return json.loads(done.stdout)["data"]["result"]["result"]


def alive_nodes(hosts):
    return {node["node_id"]: node["node_ip"] for node in api(hosts, "/api/v0/nodes") if node["state"] == "ALIVE"}


def wait_until(holds, what, timeout_s):
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"no {what} within {timeout_s} s"
        time.sleep(1)


def write(hosts, number, path, text):
    local = hosts.state / f"h{number}" / "root" / path
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_text(text)


def test_round_on_a_cluster_runs_its_tasks_on_the_worker(cluster):
    write(cluster, 0, ".r3mes/config.yaml", yaml.safe_dump(CONFIG))
    on_head(cluster, "nohup setsid r3mes up >up.log 2>&1 </dev/null & echo $! >up.pid")
    wait_until(lambda: "Ctrl-C" in log_of(cluster, "up"), "node", 180)

    text = (ROOT / "r3mes_ray" / "data" / "experts" / "python" / "train.txt").read_text()
    for start, name in enumerate(("alice", "bob")):
        write(cluster, 0, f"{name}/config.yaml", yaml.safe_dump({**MINER, "keyring": {"key": name}}))
        write(cluster, 0, f"{name}.txt", text[start * 60_000 :][:60_000])
        secret = "R3MES_KEYRING_PASSPHRASE=secret r3mes --json --home $HOME/" + name
        address = json.loads(on_head(cluster, f"{secret} keys add {name}"))["address"]
        on_head(cluster, f"r3mes tx send {address} --amount 10000000uremes --from operator")
        on_head(cluster, f"nohup setsid {mining(name)} >{name}.json 2>{name}.log </dev/null &")
    for name in ("alice", "bob"):
        wait_until(lambda name=name: "waiting for a round" in log_of(cluster, name), name, 240)

    on_head(cluster, "r3mes round open --expert python")
    report = json.loads(on_head(cluster, "r3mes --json round run --expert python").splitlines()[-1])
    assert report["outcome"] == "finalized"
    assert len(report["accepted"]) == 2

    nodes = alive_nodes(cluster)
    tasks = [
        task for task in api(cluster, "/api/v0/tasks?detail=1&limit=1000") if task["name"].startswith("fetch update")
    ]
    assert {task["state"] for task in tasks} == {"FINISHED"}
    assert "10.99.0.2" in {nodes[task["node_id"]] for task in tasks}

    expert = json.loads(on_head(cluster, "r3mes --json query expert python"))
    assert expert["version"] == 1
    on_head(cluster, "kill -INT $(cat up.pid)")
    wait_until(lambda: "\nstopped" in on_head(cluster, "cat up.log"), "stop", 90)


def log_of(hosts, name):
    text = on_head(hosts, f"cat {name}.log")
    assert "error:" not in text, text
    return text


def mining(name):
    command = f"mine --expert python --data $HOME/{name}.txt"
    return f"env R3MES_KEYRING_PASSPHRASE=secret r3mes --json --home $HOME/{name} {command}"
