"""Python packages that cannot live beside ours, in an environment of their own that later runs find again."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"


def install(name: str, requirement: str) -> Path:
    """The interpreter of an environment with `requirement`; half a minute the first time."""
    folder = CACHE / f"venv-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_text() != requirement:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, requirement], check=True, timeout=560)
            marker.write_text(requirement)
    return folder / "bin" / "python"
