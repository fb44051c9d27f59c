"""Packages from npm, installed once into a folder that git ignores and that later runs find again."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "npm"
QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", "--prefer-offline", "--loglevel=error")


def install(name: str, packages: Mapping[str, str]) -> Path:
    """A folder with `packages` (name → version) in its node_modules; 5 s to 4 minutes the first time.

    No script of a package is run. Sessions that come meanwhile wait for the first.
    """
    wanted = json.dumps({"private": True, "type": "module", "dependencies": dict(packages)}, sort_keys=True)
    folder = CACHE / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            (folder / "package.json").write_text(wanted)
            subprocess.run(["npm", "install", *QUIET], cwd=folder, check=True, timeout=560)
            (folder / "installed").touch()
    return folder
