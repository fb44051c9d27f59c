"""`r3mes up` as an operator meets it: it says where things are, refuses what cannot work, drains, and continues."""

import os
from pathlib import Path

import httpx
import pytest
import yaml

pytestmark = pytest.mark.e2e


def children_of(pid):
    """Process ids of all living descendants."""
    found, queue = [], [pid]
    while queue:
        parent = queue.pop()
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(path.parent.name))
                queue.append(int(path.parent.name))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_up_runs_refuses_a_second_one_stops_cleanly_and_continues(tmp_path, new_home, process, r3mes):
    home = new_home(tmp_path / "home")
    node = process("up", "--home", home, "--json")
    where = node.wait_json()

    assert httpx.get(f"{where['gateway']}/ready", timeout=20).status_code == 200
    models = httpx.get(f"{where['gateway']}/v1/models", timeout=20).json()["data"]
    assert {"auto", "base", "python", "legal", "optics"} <= {model["id"] for model in models}
    token = Path("~/.ray/auth_token").expanduser()
    headers = {"Authorization": f"Bearer {token.read_text().strip()}"} if token.exists() else {}
    assert httpx.get(f"{where['dashboard']}/api/version", headers=headers, timeout=20).status_code == 200
    code, status, _ = r3mes("status", "--home", home)
    assert (code, status) == (0, where)
    _, expert, _ = r3mes("query", "expert", "python", "--home", home)
    assert (expert["version"], expert["name"]) == (0, "python")

    (tmp_path / "file").write_bytes(b"exchanged without a daemon")
    _, added, _ = r3mes("content", "add", tmp_path / "file", "--home", home)
    guest = new_home(tmp_path / "guest", chain={"grpc_address": where["grpc_address"]})
    assert r3mes("content", "get", added["cid"], tmp_path / "got", "--home", guest)[1]["error"]["type"] == (
        "ContentNotFound"
    )
    _, peers, _ = r3mes("content", "peers", "--home", guest)
    assert [httpx.get(f"{url}/ipfs/{added['cid']}?format=raw").status_code for url in peers] == [200]
    assert r3mes("content", "get", added["cid"], tmp_path / "got", "--home", guest)[0] == 0
    assert (tmp_path / "got").read_bytes() == b"exchanged without a daemon"

    code, refused, _ = r3mes("up", "--home", home)
    assert (code, refused["error"]["type"]) == (1, "AlreadyRunning")

    other = new_home(tmp_path / "other", serving={"port": int(where["gateway"].rsplit(":", 1)[1])})
    code, refused, _ = r3mes("up", "--home", other)
    assert (code, refused["error"]["type"]) == (1, "PortBusy")
    assert "serving.port" in refused["error"]["next_step"]
    assert not (other / "chain").exists()

    started = children_of(node.process.pid)
    assert len(started) > 3
    assert node.stop() == 0, node.text
    assert [pid for pid in started if alive(pid)] == []
    code, refused, _ = r3mes("status", "--home", home)
    assert (code, refused["error"]["type"]) == (1, "NotRunning")

    again = process("up", "--home", home, "--json")
    assert again.wait_json()["chain_id"] == where["chain_id"]
    _, same, _ = r3mes("query", "expert", "python", "--home", home)
    assert same == expert
    assert again.stop() == 0, again.text


def test_up_with_a_wrong_passphrase_says_so_and_starts_nothing(tmp_path, new_home, r3mes):
    home = new_home(tmp_path / "home")
    env = {**os.environ, "R3MES_KEYRING_PASSPHRASE": "the right one"}
    assert r3mes("keys", "add", "operator", "--home", home, env=env)[0] == 0
    code, refused, _ = r3mes("up", "--home", home, env={**env, "R3MES_KEYRING_PASSPHRASE": "another"})
    assert (code, refused["error"]["type"]) == (1, "WrongPassphrase")
    assert "R3MES_KEYRING_PASSPHRASE" in refused["error"]["next_step"]
    assert not (home / "chain").exists()


def test_up_with_an_unknown_setting_names_it(tmp_path, r3mes):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"serving": {"prot": 8000}}))
    code, refused, _ = r3mes("up", "--home", tmp_path)
    assert (code, refused["error"]["type"]) == (1, "ConfigError")
    assert "serving.prot" in refused["error"]["message"]
