"""What the tiers keep, refuse and fetch ahead."""

import asyncio

import pytest

from r3mes_ray.errors import ContentNotFound, ContentTimeout, PackageRejected
from r3mes_ray.serving.adapters.packages import FETCHES_AT_ONCE
from r3mes_ray.serving.adapters.popularity import MAX_KNOWN, Popularity
from r3mes_ray.serving.adapters.refusals import ABSENT_S, MAX_REFUSALS, Refusals
from r3mes_ray.types import AdapterId


async def test_bytes_of_slots_are_those_that_the_engine_needs_not_those_of_the_package(make, engine, use, adapter):
    class Wide:
        def __init__(self, package):
            self.cid, self.nbytes = package.cid, 2 * package.size

    async def prepare(package):
        return Wide(package)

    engine.prepare = prepare
    cache = make(slots=9, slot_bytes=50)
    for name in "abc":
        await use(cache, engine, adapter(name))
        assert cache.stats().slot_bytes <= 50
    assert cache.stats().slot_bytes == 40


async def test_adapter_that_the_engine_refuses_evicts_nothing(make, engine, use, adapter):
    cache = make(slots=1)
    await use(cache, engine, adapter("a"))
    engine.refuse.add("cid-bad-1")
    with pytest.raises(PackageRejected):
        await use(cache, engine, adapter("bad"))
    assert cache.stats().resident == ("cid-a-1",)
    assert cache.stats().slot_evictions == 0


async def test_often_used_outlives_what_came_by_once(make, engine, use, adapter):
    cache = make(slots=2)
    for name in "aaaa":
        await use(cache, engine, adapter(name))
    for name in "bcdef":
        await use(cache, engine, adapter(name))
    assert cache.stats().resident == ("cid-a-1", "cid-f-1")


def test_popularity_ages():
    popularity = Popularity()
    for _ in range(3):
        popularity.touch("old")
    for _ in range(400):
        popularity.touch("other")
    popularity.touch("new")
    assert popularity.rank("new") > popularity.rank("old") > popularity.rank("never")


def test_popularity_remembers_no_more_than_its_limit():
    popularity = Popularity()
    for number in range(MAX_KNOWN + 1):
        popularity.touch(f"cid{number}")
    assert len(popularity._ranks) <= MAX_KNOWN
    assert popularity.rank(f"cid{MAX_KNOWN}") > popularity.rank("cid0") == float("-inf")


async def test_absent_adapter_is_asked_for_again_after_five_seconds(make, engine, content, use, adapter):
    cache = make()
    content.missing.add("cid-a-1")
    for now in (0.0, 4.9, 5.0):
        content.now = now
        with pytest.raises(ContentNotFound):
            await use(cache, engine, adapter("a"))
    assert content.fetched == ["cid-a-1"] * 2, "at 0 and 5 seconds"


async def test_refused_adapter_is_remembered_for_minutes(make, engine, content, use, adapter):
    cache = make(ram_bytes=0)
    engine.refuse.add("cid-a-1")
    for now in (0.0, 299.0, 300.0):
        content.now = now
        with pytest.raises(PackageRejected):
            await use(cache, engine, adapter("a"))
    assert content.fetched == ["cid-a-1"] * 2
    assert cache.stats().refused == 1


async def test_preload_tries_a_remembered_failure_at_once(make, engine, content, use, adapter):
    cache = make()
    content.missing.add("cid-a-1")
    with pytest.raises(ContentNotFound):
        await use(cache, engine, adapter("a"))
    content.missing.clear()
    await cache.preload(adapter("a"))
    assert cache.stats().resident == ("cid-a-1",)


def test_refusals_keep_no_more_than_their_limit():
    refusals = Refusals(lambda: 0.0)
    for number in range(MAX_REFUSALS + 5):
        refusals.remember(AdapterId("e", number, f"cid{number}"), ContentNotFound("x"))
    assert len(refusals) == MAX_REFUSALS
    refusals.check(AdapterId("e", 4, "cid4"))
    with pytest.raises(ContentNotFound):
        refusals.check(AdapterId("e", 5, "cid5"))


def test_refusals_keep_nothing_that_an_error_hangs_on_to():
    refusals, adapter = Refusals(lambda: 0.0), AdapterId("e", 1, "cid1")
    with pytest.raises(ContentTimeout) as under_way:
        raise ContentTimeout("cid1", 60.0) from OSError("gone")
    refusals.remember(adapter, under_way.value)
    assert under_way.value.__traceback__ is not None, "the one under way keeps its own"
    for _ in range(2):
        with pytest.raises(ContentTimeout, match="block cid1 did not arrive within 60 s") as caught:
            refusals.check(adapter)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert len(caught.traceback) == 2, "here and in check"


def test_refusals_forget_what_is_over_when_another_comes():
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    refusals.remember(AdapterId("e", 1, "cid1"), ContentNotFound("cid1"))
    now[0] = ABSENT_S
    refusals.remember(AdapterId("e", 2, "cid2"), ContentNotFound("cid2"))
    assert len(refusals) == 1


async def test_pinned_adapter_stays_whatever_else_is_used(make, engine, use, adapter):
    cache = make(slots=2)
    await cache.pin(adapter("a"))
    for name in "bcbcbc":
        await use(cache, engine, adapter(name))
    assert cache.stats().pinned == ("cid-a-1",)
    assert "cid-a-1" in cache.stats().resident
    cache.unpin(adapter("a"))
    for name in "bcbcbc":
        await use(cache, engine, adapter(name))
    assert "cid-a-1" not in cache.stats().resident


async def test_pins_leave_half_of_the_budget_to_the_others(make, engine, use, adapter):
    cache = make(slots=9, slot_bytes=30)
    await cache.pin(adapter("a"))
    with pytest.raises(PackageRejected, match="unpin another"):
        await cache.pin(adapter("b"))
    await cache.pin(adapter("a"))
    assert cache.stats().pinned == ("cid-a-1",)


async def test_pins_leave_half_of_the_slots_to_the_others(make, engine, use, adapter):
    cache = make(slots=3)
    await cache.pin(adapter("a"))
    with pytest.raises(PackageRejected, match="1 of 3 slots; unpin another"):
        await cache.pin(adapter("b"))
    for name in "cde":
        await asyncio.wait_for(use(cache, engine, adapter(name)), 20)
    assert cache.stats().pinned == ("cid-a-1",)
    cache.unpin(adapter("a"))
    await cache.pin(adapter("b"))
    assert cache.stats().pinned == ("cid-b-1",)


async def test_pin_of_the_only_slot_is_refused(make, engine, use, adapter):
    cache = make(slots=1)
    with pytest.raises(PackageRejected, match="0 of 1 slots"):
        await cache.pin(adapter("a"))
    await asyncio.wait_for(use(cache, engine, adapter("b")), 20)


async def test_prefetched_adapter_is_not_the_first_to_make_room(make, engine, content, use, adapter, until):
    cache = make(slots=1, ram_bytes=20)
    await use(cache, engine, adapter("a"))
    cache.prefetch(adapter("b"))
    await until(lambda: cache.stats().in_ram == ("cid-a-1", "cid-b-1"))
    await use(cache, engine, adapter("c"))
    assert cache.stats().in_ram == ("cid-b-1", "cid-c-1")


async def test_prefetched_adapter_is_in_main_memory_and_in_no_slot(make, engine, content, use, adapter, until):
    cache = make(slots=1)
    await use(cache, engine, adapter("a"))
    cache.prefetch(adapter("b"))
    await until(lambda: cache.stats().in_ram == ("cid-a-1", "cid-b-1"))
    assert cache.stats().resident == ("cid-a-1",)
    await use(cache, engine, adapter("b"))
    assert content.fetched == ["cid-a-1", "cid-b-1"]
    assert (cache.stats().prefetches, cache.stats().ram_hits) == (1, 1)


async def test_prefetch_joins_a_request_for_the_same_adapter(make, engine, content, use, adapter):
    cache = make()
    content.gate.clear()
    cache.prefetch(adapter("a"))
    waiting = asyncio.create_task(use(cache, engine, adapter("a")))
    await asyncio.sleep(0)
    content.gate.set()
    await waiting
    assert content.fetched == ["cid-a-1"]


async def test_prefetch_of_what_cannot_be_had_disturbs_nobody(make, engine, content, use, adapter, until):
    cache = make()
    content.missing.add("cid-a-1")
    cache.prefetch(adapter("a"))
    await until(lambda: cache.stats().refused == 1)
    cache.prefetch(adapter("a"))
    await asyncio.sleep(0)
    assert content.fetched == ["cid-a-1"]


async def test_fetches_under_way_are_bounded(make, engine, content, use, adapter, until):
    cache = make(slots=20)
    content.gate.clear()
    tasks = [asyncio.create_task(use(cache, engine, adapter(str(n)))) for n in range(10)]
    await until(lambda: len(content.fetched) == FETCHES_AT_ONCE)
    await asyncio.sleep(0)
    assert len(content.fetched) == FETCHES_AT_ONCE
    content.gate.set()
    await asyncio.gather(*tasks)


async def test_hot_adapter_cannot_keep_a_cold_one_out_of_the_only_slot(make, engine, use, adapter):
    cache = make(slots=1)
    served = []

    async def hot():
        while "b" not in served:
            await use(cache, engine, adapter("a"))
            served.append("a")

    async def cold():
        await use(cache, engine, adapter("b"))
        served.append("b")

    class Counted(set):  # several requests hold one slot here
        discard = add = lambda self, slot: None

    engine.in_use = Counted()
    clients = [asyncio.create_task(hot()) for _ in range(5)]
    await asyncio.sleep(0.01)
    await asyncio.wait_for(asyncio.gather(cold(), *clients), 10)
    assert served.count("a") > 5


@pytest.mark.parametrize("evicted", [False, True])
async def test_package_that_is_warm_is_refused_under_another_name(make, engine, content, use, adapter, evicted):
    cache, other = make(slots=1), AdapterId("b", 9, "cid-a-1")
    content.made_as["cid-a-1"] = adapter("a")
    await use(cache, engine, adapter("a"))
    if evicted:
        await use(cache, engine, adapter("c"))
        assert "cid-a-1" not in cache.stats().resident
    assert "cid-a-1" in cache.stats().in_ram
    with pytest.raises(PackageRejected, match="b@9: the package is a@1"):
        await use(cache, engine, other)
    await use(cache, engine, adapter("a"))


async def test_unpin_under_another_name_lets_nothing_go(make, adapter):
    cache = make()
    await cache.pin(adapter("a"))
    cache.unpin(AdapterId("b", 9, "cid-a-1"))
    assert cache.stats().pinned == ("cid-a-1",)
