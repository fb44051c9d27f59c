import pytest

from r3mes_ray.errors import (
    ChainUnavailable,
    ContentCorrupt,
    ContentNotFound,
    ContentTimeout,
    ContentUnavailable,
    ExpertNotFound,
    InvalidInput,
    PackageRejected,
    ServingUnavailable,
    StoreFull,
)
from r3mes_ray.types import AdapterId


async def test_follow_new_version_is_loaded_then_served_once(world, record):
    follower = world.follower()
    world.records = [record(versions=0)]
    await follower.follow_once()
    assert world.current() == AdapterId("optics", 0, None)
    world.records = [record(versions=1)]
    await follower.follow_once()
    await follower.follow_once()
    assert world.current() == AdapterId("optics", 1, "optics-1")
    assert world.checked == ["optics@1"]
    assert world.table.resolve("optics", 0) == AdapterId("optics", 0, None)
    assert follower.chain.ok


async def test_follow_version_that_fails_its_check_keeps_the_good_one(world, record):
    follower = world.follower()
    world.records = [record(versions=1)]
    await follower.follow_once()
    world.errors["optics-2"] = PackageRejected("rank", "x", "bad")
    world.records = [record(versions=2)]
    for _ in range(3):
        await follower.follow_once()
    assert world.current().version == 1
    assert world.checked == ["optics@1", "optics@2"], "a refused version is not tried again"
    assert [str(refused.adapter) for refused in world.table.refused()] == ["optics@2"]
    world.records = [record(versions=3)]
    await follower.follow_once()
    assert world.current().version == 3
    assert world.table.refused() == ()


async def test_follow_fresh_node_serves_the_newest_good_version(world, record):
    world.errors["optics-3"] = PackageRejected("rank", "x", "bad")
    world.records = [record(versions=3)]
    await world.follower().follow_once()
    assert world.current().version == 2
    assert [served.version for served in world.table.known("optics").versions] == [1, 2, 3]


@pytest.mark.parametrize(
    "error",
    [
        ContentNotFound("optics-1"),
        ContentTimeout("optics-1", 60.0),
        ContentUnavailable("127.0.0.1:5001", "refused"),
        ContentCorrupt("optics-1", "peer"),
        StoreFull(1),
        PackageRejected("capacity", "optics-1", "needs 2 bytes"),
        ServingUnavailable("the engine", "no replica is running"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_follow_what_may_pass_is_tried_again_more_and_more_rarely(world, record, error):
    follower = world.follower()
    world.errors["optics-1"] = error
    world.records = [record(versions=1)]
    for seconds in (0.0, 0.5, 0.6, 1.0, 1.5, 100.0):
        world.now = 1000.0 + seconds
        await follower.follow_once()
    assert world.checked == ["optics@1"] * 3, "at 0, 1 and 100 seconds"
    assert world.current().version == 0
    world.errors.clear()
    world.now += 1000.0
    await follower.follow_once()
    assert world.current().version == 1


async def test_follow_chain_going_back_serves_the_version_it_names(world, record):
    follower = world.follower()
    world.records = [record(versions=2)]
    await follower.follow_once()
    world.records = [record(versions=2, current=1)]
    await follower.follow_once()
    assert world.current().version == 1


async def test_follow_full_disk_ends_nothing_and_is_tried_again(world, record, monkeypatch):
    def full(experts):
        raise OSError(28, "No space left on device")

    follower = world.follower()
    world.records = [record(versions=1)]
    with monkeypatch.context() as disk:
        disk.setattr(world.store, "save", full)
        await follower.follow_once()
    assert world.current().version == 1
    assert world.store.restore() == ()
    await follower.follow_once()
    assert [served.current.version for served in world.store.restore()] == [1]


async def test_follow_without_chain_keeps_serving_and_says_so(world, record):
    follower = world.follower()
    assert follower.chain.required, "nothing is ready before the chain was asked once"
    world.records = [record(versions=1)]
    await follower.follow_once()
    world.chain_error = ChainUnavailable("127.0.0.1:9090", "refused")
    await follower.follow_once()
    assert world.current().version == 1
    assert (follower.chain.ok, follower.chain.required) == (False, False)
    assert "stays served" in follower.chain.detail


async def test_follow_expert_of_another_base_is_refused_by_name(world, record):
    world.records = [record(base="cd" * 32, versions=1)]
    await world.follower().follow_once()
    with pytest.raises(ExpertNotFound):
        world.current()
    assert "cdcdcdcdcdcd" in world.table.refused()[0].reason


async def test_follow_serves_the_chosen_experts_only_and_drops_what_is_gone(world, record):
    follower = world.follower(chosen=("optics", "legal"))
    world.records = [record("optics"), record("legal"), record("python")]
    await follower.follow_once()
    assert [served.current.expert for served in world.table.experts()] == ["legal", "optics"]
    world.records = [record("legal")]
    await follower.follow_once()
    assert [served.current.expert for served in world.table.experts()] == ["legal"]
    assert world.learned[-1] == [("legal", "")]


async def test_follow_description_is_learnt_once_and_again_when_it_changes(world, record):
    follower = world.follower()
    world.profiles = {"d1": "light", "d2": "light and colours"}
    world.records = [record(description="d1")]
    await follower.follow_once()
    await follower.follow_once()
    world.records = [record(description="d2")]
    await follower.follow_once()
    assert world.learned == [[("optics", "light")], [("optics", "light and colours")]]
    assert world.table.known("optics").description == "light and colours"


async def test_follow_bad_description_leaves_the_expert_served_by_name(world, record):
    follower = world.follower()
    world.profiles = {"bad": InvalidInput("description", "not JSON"), "late": ContentNotFound("late")}
    world.records = [record("optics", description="bad"), record("legal", description="late")]
    await follower.follow_once()
    assert world.current("legal").version == world.current("optics").version == 0
    assert world.learned == [[("optics", "")]]
    world.profiles["late"] = "licences"
    await follower.follow_once()
    assert world.learned[-1] == [("legal", "licences"), ("optics", "")]


async def test_follow_forgets_what_was_found_about_versions_that_are_gone(world, record):
    world.errors["legal-2"] = PackageRejected("rank", "x", "too large")
    world.errors["legal-3"] = ContentNotFound("x")
    follower = world.follower()
    world.records = [record("optics", 2), record("legal", 3)]
    await follower.follow_once()
    assert world.current("legal").version == 1
    world.records = [record("optics", 2)]
    await follower.follow_once()
    check = follower._check
    assert (check._good, check._rejected, check._retries) == ({world.current()}, set(), {})
