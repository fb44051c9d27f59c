"""Files of any size in constant memory: what the commands, and the node that serves them, take at most."""

from __future__ import annotations

import filecmp
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
MIB = 2**20
SLACK_MB = 48
"""What a larger file may take more: blocks in flight differ from run to run, and an allocator keeps some."""

MEASURED = """
import resource, sys
from r3mes_ray.cli.main import execute
code = execute(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def peak_mb(*arguments) -> float:
    """The most memory that a command took."""
    command = [sys.executable, "-c", MEASURED, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1]) / 1024


def served_mb(process) -> float:
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024


def measured(folder, mebibytes, new_home, process) -> dict[str, float]:
    """Peaks by what was done with one file."""
    folder.mkdir()
    file = folder / "file"
    with file.open("wb") as stream:
        for _ in range(mebibytes):
            stream.write(os.urandom(MIB))
    owner, limit = new_home(folder / "owner"), 4 * 2**30
    peaks = {"cid": peak_mb("cid", file), "add": peak_mb("content", "add", file, "--home", owner)}
    cid = os.listdir(owner / "content" / "pins")[0]
    peaks["get"] = peak_mb("content", "get", cid, folder / "got", "--max-bytes", limit, "--home", owner)
    assert filecmp.cmp(file, folder / "got", shallow=False)
    server = process("content", "serve", "--home", owner, "--json")
    url = server.wait_json()["url"]
    for name, content in (("fetch", {"kind": "disk", "peers": [url]}), ("gateway", {"kind": "gateway", "urls": [url]})):
        home = new_home(folder / name, content=content)
        peaks[name] = peak_mb("content", "get", cid, folder / f"by-{name}", "--max-bytes", limit, "--home", home)
        assert filecmp.cmp(file, folder / f"by-{name}", shallow=False)
    peaks["verify"] = peak_mb("content", "verify", "--home", owner)
    peaks["serve"] = served_mb(server)
    server.stop()
    return peaks


def check(tmp_path, new_home, process, small, large):
    peaks = {size: measured(tmp_path / str(size), size, new_home, process) for size in (small, large)}
    print(json.dumps({f"{size} MiB": {name: round(mb) for name, mb in by.items()} for size, by in peaks.items()}))
    grown = {name: peaks[large][name] - peaks[small][name] for name in peaks[small]}
    assert {name: mb for name, mb in grown.items() if mb > SLACK_MB} == {}


def test_commands_take_no_more_memory_for_a_file_of_eight_times_the_size(tmp_path, new_home, process):
    check(tmp_path, new_home, process, 32, 256)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_commands_take_no_more_memory_for_two_gibibytes(tmp_path, new_home, process):
    check(tmp_path, new_home, process, 256, 2048)
