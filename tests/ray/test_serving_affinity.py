"""Two engine replicas on a real Serve: requests for an adapter go where it is, also after a replica has left."""

import asyncio
import os
import time

import pytest

from r3mes_ray.serving.inference.base import EngineStats, Sampling
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import EngineRequest
from r3mes_ray.serving.reports import CacheStats, EngineReport
from r3mes_ray.types import AdapterId

pytestmark = pytest.mark.ray

NAMES = [f"e{number}" for number in range(6)]


def replica_class():
    """Made in a function: Ray then pickles it by value, as its workers cannot import this file."""
    from r3mes_ray.serving.affinity import routing_stats

    class Replica:
        """Answers with its process, and remembers the adapters that it was asked for."""

        def __init__(self):
            self._resident = []

        async def generate(self, request):
            if request.adapter.cid not in self._resident:
                self._resident.append(request.adapter.cid)
            return os.getpid()

        async def record_routing_stats(self):
            cache = CacheStats(0, 0, 0, 0, 0, 0, 0, tuple(self._resident))
            return routing_stats(EngineReport(EngineStats(True, 0, 0, 0, 0, 0), cache))

        async def end(self, pid):
            if os.getpid() == pid:
                asyncio.get_running_loop().call_later(0.1, os._exit, 1)

    return Replica


@pytest.fixture
def handle(ray_cluster):
    from ray import serve

    from r3mes_ray.serving.app import affinity

    deployment = serve.deployment(
        name="replica",
        num_replicas=2,
        ray_actor_options={"num_cpus": 0.1},
        max_ongoing_requests=50,
        health_check_period_s=1.0,
        request_router_config=affinity(busy=8, stats_period_s=0.2),
    )(replica_class())
    yield serve.run(deployment.bind(), name="affinity", route_prefix=None)
    # The next application's gateway wants a port of its own, which a Serve that runs would not take.
    serve.shutdown()


def home_of(handle, name):
    adapter = AdapterId(name, 1, f"cid-{name}")
    request = EngineRequest((Message("user", "why?"),), (), Sampling(), adapter, 5.0)
    return handle.generate.remote(request).result(timeout_s=20)


def homes_after_telling(handle):
    """Each adapter's replica, once the router has been told who has it."""
    homes = {name: home_of(handle, name) for name in NAMES}
    deadline = time.monotonic() + 20
    while any(home_of(handle, name) != home for name, home in homes.items()):
        assert time.monotonic() < deadline, "requests do not stay where their adapter is"
        homes = {name: home_of(handle, name) for name in NAMES}
        time.sleep(0.3)
    return homes


def test_requests_stay_where_their_adapter_is_and_survive_a_replica_that_leaves(handle):
    homes = homes_after_telling(handle)
    left = homes[NAMES[0]]
    handle.broadcast("end", left).results(timeout_s=20)
    deadline = time.monotonic() + 30
    while left in (now := {home_of(handle, name) for name in NAMES}):
        assert time.monotonic() < deadline, f"{left} still answers: {now}"
        time.sleep(0.2)
    stayed = {name: home for name, home in homes.items() if home != left}
    assert {name: home_of(handle, name) for name in stayed} == stayed
