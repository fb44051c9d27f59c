"""Hosts of one's own on one machine, to run `ray up` against.

Each host is a set of namespaces (network, mounts, processes, host name) with an address on a bridge, a private /tmp,
/dev/shm and home, and an sshd. The operator stands in a network namespace of its own on the same bridge. Needs root,
iproute2, openssh and rsync. Only what was started here is ended, by pid.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

NETWORK = "10.99.0"
CONTROL = "r3ctl"
INIT = """
set -euo pipefail
hostname {name}; mount --make-rprivate /
saved=/mnt/r3host_{name}; mkdir -p $saved/home
n=0; for path in {kept}; do mkdir -p $saved/$n; mount --bind "$path" $saved/$n; n=$((n+1)); done
mount --bind {root} $saved/home
mount -t tmpfs -o mode=1777,size=8g tmpfs /tmp; mount -t tmpfs -o mode=1777,size=2g tmpfs /dev/shm
mount --bind $saved/home /root
n=0; for path in {kept}; do mkdir -p "$path"; mount --bind $saved/$n "$path"; n=$((n+1)); done
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e -f /dev/null -h {state}/hostkey -o ListenAddress={address} -o PasswordAuthentication=no \
  -o PermitRootLogin=prohibit-password -o StrictModes=no -o PidFile=none -o UsePAM=no -o MaxStartups=100
"""


class Hosts:
    """`count` hosts at 10.99.0.1, .2, …; `kept` are folders of this machine that every host sees too."""

    def __init__(self, state: Path, count: int, kept: list[Path]) -> None:
        self.state, self.count, self.kept = state, count, kept
        self.key = state / "key"
        self._outer: list[subprocess.Popen[bytes]] = []

    def address(self, number: int) -> str:
        return f"{NETWORK}.{number + 1}"

    def __enter__(self) -> Hosts:
        self.state.mkdir(parents=True, exist_ok=True)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        _run("ip", "netns", "add", CONTROL)
        _ip(CONTROL, "link", "set", "lo", "up")
        _ip(CONTROL, "link", "add", "br0", "type", "bridge")
        _ip(CONTROL, "addr", "add", f"{NETWORK}.254/24", "dev", "br0")
        _ip(CONTROL, "link", "set", "br0", "up")
        try:
            for number in range(self.count):
                self._start(number)
            for number in range(self.count):
                self._wait(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._outer:
            # unshare --fork ignores SIGTERM; --kill-child takes the host down with it.
            process.send_signal(signal.SIGKILL)
            process.wait()
        for name in [*(f"r3h{number}" for number in range(self.count)), CONTROL]:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def control(self, *command: str, timeout_s: float = 240, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command from the operator's place."""
        return subprocess.run(
            ["ip", "netns", "exec", CONTROL, *command],
            env={**os.environ, "HOME": str(self.state / "operator"), **env},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def ssh(self, number: int, command: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command on a host, as `ray up` does: in a login shell over SSH."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        flags = [part for option in options for part in ("-o", option)]
        target = f"root@{self.address(number)}"
        return self.control("ssh", "-i", str(self.key), *flags, target, command, timeout_s=timeout_s)

    def _start(self, number: int) -> None:
        name, address, state = f"r3h{number}", self.address(number), self.state / f"h{number}"
        root = state / "root"
        (root / ".ssh").mkdir(parents=True)
        (self.state / "operator").mkdir(exist_ok=True)
        (root / ".ssh" / "authorized_keys").write_text((self.state / "key.pub").read_text())
        for path, mode in ((root, 0o700), (root / ".ssh", 0o700), (root / ".ssh" / "authorized_keys", 0o600)):
            path.chmod(mode)
        (root / ".bashrc").write_text(
            f"export PATH={Path(sys.executable).parent}:$PATH RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled\n"
        )
        (root / ".bash_profile").write_text(". ~/.bashrc\n")
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(state / "hostkey"))
        _run("ip", "netns", "add", name)
        _ip(name, "link", "set", "lo", "up")
        _run("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name", f"e{name}")
        _run("ip", "link", "set", f"v{name}", "netns", CONTROL)
        _run("ip", "link", "set", f"e{name}", "netns", name)
        _ip(CONTROL, "link", "set", f"v{name}", "master", "br0")
        _ip(CONTROL, "link", "set", f"v{name}", "up")
        _ip(name, "link", "set", f"e{name}", "name", "eth0")
        _ip(name, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip(name, "link", "set", "eth0", "up")
        _ip(name, "route", "add", "default", "via", f"{NETWORK}.254")
        kept = " ".join(f'"{path}"' for path in (self.state, *self.kept))
        script = INIT.format(name=name, kept=kept, root=root, state=state, address=address)
        unshare = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]
        with (state / "init.log").open("wb") as log:
            command = ["ip", "netns", "exec", name, *unshare, "bash", "-c", script]
            self._outer.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _wait(self, number: int) -> None:
        end = time.monotonic() + 20
        while self.ssh(number, "true").returncode != 0:
            if time.monotonic() > end:
                raise RuntimeError((self.state / f"h{number}" / "init.log").read_text())
            time.sleep(0.2)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _ip(namespace: str, *arguments: str) -> None:
    _run("ip", "-n", namespace, *arguments)
