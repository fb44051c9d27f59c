import pytest

from r3mes_ray.cluster import prepare
from r3mes_ray.settings import Settings

# Ray reads its environment when it is imported, which test modules do while they are collected.
prepare(Settings())


@pytest.fixture(scope="session")
def ray_cluster():
    """One real Ray cluster on this machine for the whole session."""
    import ray

    context = ray.init(num_cpus=4, namespace="r3mes", include_dashboard=False, log_to_driver=False)
    yield context
    ray.shutdown()
