"""Whole processes: the command as its user runs it."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
import yaml

from r3mes_ray.node.ports import free_ports

COMMAND = (sys.executable, "-m", "r3mes_ray.cli.main")


class Process:
    """A running command; `wait_json` reads its first JSON line, `text` has what it said on standard error."""

    def __init__(self, *arguments, env=None, command=COMMAND):
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def text(self):
        return "".join(self.lines)

    def wait_json(self):
        line = self.process.stdout.readline()
        assert line, f"it ended with code {self.process.wait()}:\n{self.text}"
        return json.loads(line)

    def stop(self, number=signal.SIGINT, timeout_s=120):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture(scope="session")
def r3mes():
    """Run one command to its end: (exit code, JSON document or None, standard error)."""

    def run(*arguments, env=None, timeout_s=300):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments), "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **(env or {})},
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        return done.returncode, json.loads(lines[-1]) if lines else None, done.stderr

    return run


@pytest.fixture(scope="session")
def process():
    """Start a command and leave it running; it is ended with the session."""
    started = []

    def start(*arguments, **options):
        started.append(Process(*arguments, **options))
        return started[-1]

    yield start
    for item in started:
        item.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def new_home():
    """Make a home whose servers have ports of their own: `new_home(folder, **sections)` → its path."""

    def make(folder, **sections):
        grpc, rpc, http, dashboard, content = free_ports(5)
        config = {
            "chain": {"grpc_address": f"127.0.0.1:{grpc}"},
            "localnet": {"grpc_port": grpc, "rpc_port": rpc, "block_time_ms": 300},
            "serving": {"port": http, "routing": {"embedder": "hashing"}},
            "ray": {"dashboard_port": dashboard},
            "content_server": {"port": content},
        }
        for name, values in sections.items():
            config[name] = {**config.get(name, {}), **values}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        return folder

    return make


@pytest.fixture(scope="module")
def rounds_environment():
    """What the commands and keyrings of tests of rounds read from the environment."""
    from rounds import ENVIRONMENT

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def ray_cluster():
    """A cluster that outlives the proposers' processes, and is shared by the tests of rounds."""
    from clusters import cluster
    from rounds import ENVIRONMENT

    with cluster(ENVIRONMENT) as shared:
        yield shared


@pytest.fixture(scope="session")
def ray_address(ray_cluster):
    return ray_cluster.address
