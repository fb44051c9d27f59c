"""Joining Ray from a process that knows it already, as notebooks do."""

import os
import subprocess
import sys

SCRIPT = """
import ray
from r3mes_ray.cluster import join, leave
from r3mes_ray.settings import Settings

assert join(Settings()).owned
assert ray.get(ray.remote(lambda: 7).remote()) == 7
leave()
"""


def test_a_process_that_imported_ray_before_reaches_a_cluster_of_its_own(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    for _ in ("without a token", "with the token of the run before"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / ".ray" / "auth_token").exists()
