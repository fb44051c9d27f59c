import pytest

from r3mes_ray.cluster import prepare
from r3mes_ray.settings import Settings


@pytest.fixture(scope="session")
def ray_cluster():
    """One real Ray cluster on this machine for the whole session."""
    prepare(Settings())
    import ray

    context = ray.init(num_cpus=4, namespace="r3mes", include_dashboard=False, log_to_driver=False)
    yield context
    ray.shutdown()
