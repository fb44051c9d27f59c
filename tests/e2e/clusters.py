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
def cluster(environment, workers=2):
    """A running cluster: `address`, `workers`, and their `threads` and `kernels`."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(workers)],
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

    settings = parse_settings({"ray": {"num_cpus": int(sys.argv[1]), "dashboard_port": free_ports(1)[0]}})
    address = join(settings).address
    import ray

    workers = int(ray.cluster_resources()["CPU"])
    said = {"address": address, "workers": workers, **ray.get(ray.remote(arithmetic).remote())}
    print(json.dumps(said), flush=True)
    input()


if __name__ == "__main__":
    main()
