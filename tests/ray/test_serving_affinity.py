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
HELD = "wait for the others"
BUSY = 8


def replica_class():
    """Made in a function: Ray then pickles it by value, as its workers cannot import this file."""
    from r3mes_ray.serving.affinity import routing_stats

    class Replica:
        """Answers with its process, and remembers the adapters that it was asked for."""

        def __init__(self):
            self._resident, self._running, self._let_go = [], 0, asyncio.Event()

        async def generate(self, request):
            if request.adapter.cid not in self._resident:
                self._resident.append(request.adapter.cid)
            self._running += 1
            if request.messages[0].text == HELD:
                await self._let_go.wait()
            self._running -= 1
            return os.getpid()

        async def running(self):
            return self._running

        async def let_go(self):
            self._let_go.set()

        async def record_routing_stats(self):
            cache = CacheStats(0, 0, 0, 0, 0, 0, 0, tuple(self._resident))
            return routing_stats(EngineReport(EngineStats(True, self._running, 0, 0, 0, 0), cache))

        async def end(self, pid):
            if os.getpid() == pid:
                asyncio.get_running_loop().call_later(0.1, os._exit, 1)

    return Replica


@pytest.fixture(scope="module")
def handle(ray_cluster):
    from ray import serve

    from r3mes_ray.serving.app import affinity

    deployment = serve.deployment(
        name="replica",
        num_replicas=2,
        ray_actor_options={"num_cpus": 0.1},
        max_ongoing_requests=50,
        health_check_period_s=1.0,
        request_router_config=affinity(busy=BUSY, stats_period_s=0.2),
    )(replica_class())
    yield serve.run(deployment.bind(), name="affinity", route_prefix=None)
    # The next application's gateway wants a port of its own, which a Serve that runs would not take.
    serve.shutdown()


def asked(handle, name, question="why?"):
    adapter = AdapterId(name, 1, f"cid-{name}")
    return handle.generate.remote(EngineRequest((Message("user", question),), (), Sampling(), adapter, 5.0))


def home_of(handle, name):
    return asked(handle, name).result(timeout_s=20)


def homes_after_telling(handle):
    """Each adapter's replica, once the router has been told who has it."""
    homes = {name: home_of(handle, name) for name in NAMES}
    deadline = time.monotonic() + 20
    while any(home_of(handle, name) != home for name, home in homes.items()):
        assert time.monotonic() < deadline, "requests do not stay where their adapter is"
        homes = {name: home_of(handle, name) for name in NAMES}
        time.sleep(0.3)
    return homes


def test_hot_adapter_is_answered_by_the_other_replica_too_once_its_own_is_busy(handle):
    homes_after_telling(handle)
    held = [asked(handle, NAMES[0], HELD) for _ in range(BUSY + BUSY // 2)]
    deadline = time.monotonic() + 30
    while sum(running := sorted(handle.broadcast("running").results(timeout_s=20))) < len(held):
        assert time.monotonic() < deadline, f"not all requests were taken: {running}"
        time.sleep(0.2)
    assert running[0] > 0, "one replica has all of them"
    assert running[1] <= BUSY + 2, "the other one was idle"
    handle.broadcast("let_go").results(timeout_s=20)
    assert len({answer.result(timeout_s=20) for answer in held}) == 2


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
