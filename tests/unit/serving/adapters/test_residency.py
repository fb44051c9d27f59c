"""Pins and preloads: each replica is told once, also one that starts later or in place of another."""

import pytest

from r3mes_ray.errors import PackageRejected, ServingUnavailable
from r3mes_ray.serving.adapters.choices import Choice, Choices

AWAY = ServingUnavailable("the engine", "no replica is running")


def chosen(**fields):
    return Choices(experts={"optics": Choice(**fields)})


@pytest.fixture
def following(record):
    async def begin(world, versions=3):
        follower = world.follower()
        world.records = [record(versions=versions)]
        await follower.follow_once()
        return follower

    return begin


async def test_pin_follows_the_current_version(world, record, following):
    world.choices = chosen(pinned=True)
    follower = await following(world, versions=1)
    world.records = [record(versions=2)]
    await follower.follow_once()
    world.choices = Choices()
    await follower.follow_once()
    assert world.pins == ["+optics@1 on one", "-optics@1", "+optics@2 on one", "-optics@2"]


async def test_pin_reaches_a_replica_that_starts_later(world, following):
    world.choices = chosen(pinned=True)
    follower = await following(world)
    world.running = ["one", "two"]
    await follower.follow_once()
    await follower.follow_once()
    world.running = ["two", "three"]
    await follower.follow_once()
    assert world.pins == ["+optics@3 on one", "+optics@3 on two", "+optics@3 on three"]


async def test_preload_loads_a_version_once_and_again_on_a_replica_that_starts_later(world, following):
    world.choices = chosen(preload=(1, 7))
    follower = await following(world)
    await follower.follow_once()
    assert (world.checked, world.loaded) == (["optics@3", "optics@1"], ["optics@1 on one"])
    world.running = ["one", "two"]
    await follower.follow_once()
    await follower.follow_once()
    assert world.loaded == ["optics@1 on one", "optics@1 on two"]
    world.choices = Choices()
    world.running = ["three"]
    await follower.follow_once()
    assert len(world.loaded) == 2, "nobody wants it any more"


async def test_pin_waits_for_engines_that_are_away(world, following):
    follower = await following(world)
    world.choices, world.engine_error = chosen(pinned=True), AWAY
    await follower.follow_once()
    assert world.pins == []
    world.engine_error, world.pin_error = None, AWAY
    await follower.follow_once()
    world.pin_error = None
    await follower.follow_once()
    assert world.pins == ["+optics@3 on one"] * 2


async def test_pin_beyond_the_budget_is_asked_for_once(world, following):
    world.choices = chosen(pinned=True)
    world.pin_error = PackageRejected("capacity", "x", "pinned adapters may take 5 bytes")
    follower = await following(world)
    await follower.follow_once()
    assert world.pins == ["+optics@3 on one"]
