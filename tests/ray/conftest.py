import os

import pytest


@pytest.fixture(scope="session")
def ray_cluster():
    """One real Ray cluster on this machine for the whole session."""
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    context = ray.init(num_cpus=4, namespace="r3mes", include_dashboard=False, log_to_driver=False)
    yield context
    ray.shutdown()
