"""Rollback, canary, pins, imported versions, and what is served before the chain answers."""

import pytest

from r3mes_ray.errors import ChainUnavailable, ConfigError, ExpertNotFound, PackageRejected
from r3mes_ray.serving.adapters.choices import Choice, Choices, LocalVersion, read_choices, write_choices
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.types import AdapterId

DOWN = ChainUnavailable("127.0.0.1:9090", "refused")


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


async def test_rollback_holds_the_version_until_it_is_taken_back(world, record, following):
    follower = await following(world)
    world.choices = chosen(held=1)
    await follower.follow_once()
    assert world.current() == AdapterId("optics", 1, "optics-1")
    world.records = [record(versions=4)]
    await follower.follow_once()
    assert world.current().version == 1
    assert world.table.resolve("optics", 4).version == 4, "what is asked for by number is answered"
    world.choices = Choices()
    await follower.follow_once()
    assert world.current().version == 4


async def test_rollback_works_while_the_chain_is_away(world, following):
    follower = await following(world)
    world.chain_error, world.choices = DOWN, chosen(held=2)
    await follower.follow_once()
    assert world.current().version == 2
    world.choices = chosen(held=0)
    await follower.follow_once()
    assert world.current() == AdapterId("optics", 0, None)


async def test_canary_answers_its_share_of_unnumbered_requests(world, following):
    world.choices = chosen(held=2, canary=3, share=0.25)
    await following(world)
    world.drawn = 0.24
    assert world.current().version == 3
    world.drawn = 0.25
    assert world.current().version == 2
    world.drawn = 0.0
    assert world.table.resolve("optics", 2).version == 2


async def test_canary_that_fails_its_check_answers_nothing(world, following):
    world.errors["optics-3"] = PackageRejected("rank", "x", "bad")
    world.choices = chosen(held=2, canary=3, share=1.0)
    await following(world)
    assert world.current().version == 2
    assert [str(refused.adapter) for refused in world.table.refused()] == ["optics@3"]


async def test_imported_version_is_served_by_number_and_only_as_decided(world, following):
    local = (LocalVersion(version=9, cid="mine"), LocalVersion(version=2, cid="other"))
    world.choices = chosen(local=local)
    follower = await following(world)
    assert world.current().version == 3
    assert world.table.resolve("optics", 9) == AdapterId("optics", 9, "mine")
    assert world.table.resolve("optics", 2).cid == "optics-2", "the chain's version 2 is the one"
    world.choices = chosen(local=local, held=9)
    await follower.follow_once()
    assert world.current() == AdapterId("optics", 9, "mine")


async def test_package_that_is_good_as_one_version_is_checked_again_as_another(world, following):
    world.choices = chosen(local=(LocalVersion(version=9, cid="optics-3"),))
    follower = await following(world)
    world.choices = chosen(local=(LocalVersion(version=9, cid="optics-3"),), held=9)
    await follower.follow_once()
    assert world.checked == ["optics@3", "optics@9"]


async def test_held_version_that_fails_its_check_never_replaces_a_good_one(world, following):
    world.errors["mine"] = PackageRejected("base", "x", "bad")
    follower = await following(world)
    world.choices = chosen(local=(LocalVersion(version=9, cid="mine"),), held=9)
    await follower.follow_once()
    assert world.current().version == 3


async def test_node_that_starts_without_chain_serves_what_it_served(world, following, start):
    await following(world)
    again = start()
    again.chain_error = DOWN
    follower = again.follower()
    await follower.follow_once()
    assert again.current() == AdapterId("optics", 3, "optics-3")
    assert again.checked == ["optics@3"], "it is checked again"
    assert again.learned == [[("optics", "")]]
    assert again.table.resolve("optics", 1).cid == "optics-1"


async def test_restart_without_chain_falls_back_where_a_version_is_gone(world, following, start):
    await following(world)
    again = start()
    again.chain_error = DOWN
    again.errors["optics-3"] = PackageRejected("rank", "x", "bad")
    await again.follower().follow_once()
    assert again.current().version == 2


def test_store_of_another_base_or_damaged_is_none(world, tmp_path):
    path = tmp_path / "versions.json"
    path.write_text('{"base_hash": "cd", "experts": []}')
    assert VersionStore(path, "ab").restore() == ()
    for text in ("", "{", '{"base_hash": "ab", "experts": [{"name": "x"}]}', '{"base_hash": "ab", "more": 1}'):
        path.write_text(text)
        assert VersionStore(path, "ab").restore() == ()


async def test_choices_that_cannot_be_read_leave_those_before(world, following):
    world.choices = chosen(held=1)
    follower = await following(world)

    def broken():
        raise ConfigError("choices.json", "not JSON")

    follower._read_choices = broken
    await follower.follow_once()
    assert world.current().version == 1


def test_choices_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "serving" / "choices.json"
    assert read_choices(path) == Choices()
    choices = chosen(held=2, canary=3, share=0.5, pinned=True, local=(LocalVersion(version=9, cid="b"),))
    write_choices(path, choices)
    assert read_choices(path) == choices
    assert [entry.name for entry in path.parent.iterdir()] == ["choices.json"]
    assert choices.with_choice("optics", Choice()) == Choices()


@pytest.mark.parametrize("text", ["", "[]", '{"experts": {"a": {"share": 2}}}', '{"experts": {"a": {"hold": 1}}}'])
def test_choices_that_make_no_sense_are_refused_by_name(tmp_path, text):
    path = tmp_path / "choices.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"choices\.json"):
        read_choices(path)


def test_unknown_expert_stays_unknown(world):
    with pytest.raises(ExpertNotFound):
        world.current("weather")
