"""What takes long delays nothing else: another expert's switch, and what the operator decides."""

import asyncio

import pytest

from r3mes_ray.errors import ChainUnavailable
from r3mes_ray.serving.adapters.choices import Choice, Choices


def chosen(**fields):
    return Choices(experts={"optics": Choice(**fields)})


async def turn(follower):
    async with asyncio.timeout(60):
        await follower.follow_once()


async def turns(follower, condition):
    for _ in range(1000):
        await turn(follower)
        if condition():
            return
    raise AssertionError("it did not come")


@pytest.fixture
def begin(record):
    async def begin(world, versions):
        world.records = [record("legal", versions), record("optics", versions)]
        follower = world.follower(patience_s=0.01)
        await turns(follower, lambda: not follower.chain.required)
        return follower

    return begin


async def test_slow_check_delays_no_other_expert_and_is_made_once(world, record, begin):
    follower = await begin(world, 1)
    world.stuck = {"legal-2"}
    world.records = [record("legal", 2), record("optics", 2)]
    await turns(follower, lambda: world.current("optics").version == 2)
    world.choices = chosen(held=1)
    await turn(follower)
    assert (world.current("optics").version, world.current("legal").version) == (1, 1)
    world.gate.set()
    await turns(follower, lambda: world.current("legal").version == 2)
    assert world.checked.count("legal@2") == 1


@pytest.mark.parametrize("slow", [{"preload": (2,)}, {"canary": 2, "share": 0.5}])
async def test_slow_check_of_another_version_delays_no_rollback(world, begin, slow):
    follower = await begin(world, 3)
    world.choices = chosen(held=1)
    await turns(follower, lambda: world.current().version == 1)
    world.choices = Choices()
    await turn(follower)
    assert world.current().version == 3
    world.stuck, world.choices = {"optics-2"}, chosen(held=1, **slow)
    await turn(follower)
    assert world.current().version == 1


async def test_slow_preload_on_a_new_replica_delays_no_rollback(world, begin):
    world.choices = chosen(preload=(2,))
    follower = await begin(world, 3)
    world.stuck, world.running = {"optics-2"}, ["one", "two"]
    await turn(follower)
    assert world.loaded[-1] == "optics@2 on two"
    world.choices = chosen(held=0)
    await turn(follower)
    assert world.current().version == 0


async def test_nothing_is_ready_or_kept_before_the_first_versions_are_checked(world, record):
    world.stuck = {"legal-1"}
    world.records = [record("legal", 1), record("optics", 1)]
    follower = world.follower(patience_s=0.01)
    await turns(follower, lambda: world.table.known("optics"))
    assert (follower.chain.required, world.store.restore()) == (True, ())
    world.gate.set()
    await turns(follower, lambda: not follower.chain.required)
    assert len(world.store.restore()) == 2


async def test_restart_without_chain_serves_an_expert_whose_check_takes_long(world, begin, start):
    await begin(world, 1)
    again = start()
    again.chain_error, again.stuck = ChainUnavailable("127.0.0.1:9090", "refused"), {"legal-1"}
    follower = again.follower(patience_s=0.01)
    await turns(follower, lambda: again.table.known("optics"))
    assert again.table.known("legal") is None
    again.gate.set()
    await turns(follower, lambda: again.table.known("legal"))
    assert again.learned[-1] == [("legal", ""), ("optics", "")]
