"""npm's js-ipfs as a daemon on loopback, with no swarm: a peer to compare with, and a real daemon for the tests."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType

from r3mes_ray.errors import ContentUnavailable

PACKAGES = {"ipfs": "0.66.1"}
"""What its folder of packages was installed from."""

READY_TIMEOUT_S = 60.0
_LOOPBACK = "/ip4/127.0.0.1/tcp/0"
# Its dependencies have moved on to node 22; this is all that node 20 lacks.
_POLYFILL = """
if (!Promise.withResolvers) Promise.withResolvers = function () {
  let resolve, reject
  const promise = new this((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}
"""


class JsIpfs:
    """One daemon: `with JsIpfs(packages, repo) as daemon`; `packages` has js-ipfs in its node_modules."""

    def __init__(self, packages: Path, repo: Path) -> None:
        self._packages, self._repo = packages, repo
        self._process: subprocess.Popen[bytes] | None = None
        self.api_address = ""

    def __enter__(self) -> JsIpfs:
        self._repo.mkdir(parents=True, exist_ok=True)
        (self._repo / "polyfill.cjs").write_text(_POLYFILL)
        init = self._command("init", "--empty-repo", "--profile=test")
        subprocess.run(init, env=self._env, stdout=subprocess.DEVNULL, check=True, timeout=120)
        self._configure()
        with (self._repo / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command("daemon", "--offline"), env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait(self._process)
        self.api_address = (self._repo / "api").read_text().strip().removesuffix("/http") + "/http"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, "IPFS_PATH": str(self._repo)}

    def _command(self, *arguments: str) -> list[str]:
        script = self._packages / "node_modules" / "ipfs" / "src" / "cli.js"
        return ["node", "--require", str(self._repo / "polyfill.cjs"), str(script), *arguments]

    def _configure(self) -> None:
        path = self._repo / "config"
        config = json.loads(path.read_text())
        config["Addresses"].update(Swarm=[], API=_LOOPBACK, Gateway=_LOOPBACK, RPC=_LOOPBACK)
        config["Bootstrap"] = []
        path.write_text(json.dumps(config))

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + READY_TIMEOUT_S
        while b"Daemon is ready" not in (said := (self._repo / "log").read_bytes()):
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                raise ContentUnavailable("js-ipfs", f"did not start: {said.decode(errors='replace')[-500:]}")
            time.sleep(0.1)
