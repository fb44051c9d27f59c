"""A Ray cluster of a process of its own until a line comes on standard input; says its address, threads and kernels.

Its workers have this process's environment, whoever's tasks they run.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace


@contextmanager
def cluster(environment):
    """A running cluster: `address`, and its workers' `threads` and `kernels`."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | environment,
    )
    try:
        said = process.stdout.readline()
        assert said, "Ray did not start"
        yield SimpleNamespace(**json.loads(said))
    finally:
        process.communicate("\n", timeout=60)


def arithmetic():
    import torch

    return {"threads": torch.get_num_threads(), "kernels": torch.backends.cpu.get_cpu_capability()}


def main():
    from r3mes_ray.cluster import join
    from r3mes_ray.node.ports import free_ports
    from r3mes_ray.settings import parse_settings

    settings = parse_settings({"ray": {"num_cpus": 2, "dashboard_port": free_ports(1)[0]}})
    address = join(settings).address
    import ray

    print(json.dumps({"address": address, **ray.get(ray.remote(arithmetic).remote())}), flush=True)
    input()


if __name__ == "__main__":
    main()
