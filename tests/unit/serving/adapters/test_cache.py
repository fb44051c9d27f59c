import asyncio

import pytest

from r3mes_ray.errors import ContentNotFound, PackageRejected
from r3mes_ray.types import AdapterId


@pytest.mark.parametrize("wanted", [None, AdapterId("e", 0, None)])
async def test_lease_base_needs_no_slot(make, content, wanted):
    async with make().lease(wanted) as slot:
        assert slot == -1
    assert content.fetched == []


async def test_lease_again_is_a_hit(make, engine, content, use, adapter):
    cache = make()
    await use(cache, engine, adapter("a"))
    await use(cache, engine, adapter("a"))
    stats = cache.stats()
    assert (content.fetched, engine.loads) == (["cid-a-1"], ["cid-a-1"])
    assert (stats.slot_hits, stats.ram_hits, stats.fetches, stats.slot_bytes) == (1, 0, 1, 10)
    assert stats.resident == ("cid-a-1",)


async def test_lease_many_at_once_fetches_once(make, engine, content, use, adapter):
    cache = make()
    content.gate.clear()
    tasks = [asyncio.create_task(use(cache, engine, adapter("a"))) for _ in range(20)]
    await asyncio.sleep(0)
    content.gate.set()
    await asyncio.gather(*tasks)
    assert (content.fetched, engine.loads) == (["cid-a-1"], ["cid-a-1"])


async def test_lease_beyond_the_slots_evicts_the_least_recent_and_reloads_from_ram(make, engine, content, use, adapter):
    cache = make(slots=2)
    for name in "abac":
        await use(cache, engine, adapter(name))
    assert sorted(cache.stats().resident) == ["cid-a-1", "cid-c-1"]
    await use(cache, engine, adapter("b"))
    stats = cache.stats()
    assert content.fetched == ["cid-a-1", "cid-b-1", "cid-c-1"]
    assert (stats.slot_evictions, stats.ram_hits, stats.ram_bytes) == (2, 1, 30)


async def test_lease_beyond_the_ram_budget_fetches_again(make, engine, content, use, adapter):
    cache = make(slots=1, ram_bytes=15)
    for name in "aba":
        await use(cache, engine, adapter(name))
    assert content.fetched == ["cid-a-1", "cid-b-1", "cid-a-1"]
    assert cache.stats().ram_evictions == 2


async def test_lease_when_all_slots_are_in_use_waits_for_one(make, engine, use, adapter):
    cache = make(slots=1)
    done = asyncio.Event()
    first = asyncio.create_task(use(cache, engine, adapter("a"), hold=done))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(use(cache, engine, adapter("b")))
    await asyncio.sleep(0.01)
    assert not second.done()
    done.set()
    await asyncio.wait_for(asyncio.gather(first, second), 5)


async def test_lease_budget_of_bytes_holds(make, engine, use, adapter):
    cache = make(slots=9, slot_bytes=25)
    for name in "abc":
        await use(cache, engine, adapter(name))
    assert cache.stats().slot_bytes == 20


async def test_lease_larger_than_the_budget_is_refused_and_evicts_nothing(make, engine, content, use, adapter):
    cache = make(slot_bytes=25)
    await use(cache, engine, adapter("a"))
    content.sizes["cid-huge-1"] = 26
    with pytest.raises(PackageRejected, match="--vram-capacity"):
        await use(cache, engine, adapter("huge"))
    assert cache.stats().resident == ("cid-a-1",)


async def test_lease_missing_adapter_evicts_nothing_and_is_tried_again(make, engine, content, use, adapter):
    cache = make(slots=1)
    await use(cache, engine, adapter("a"))
    content.missing.add("cid-b-1")
    with pytest.raises(ContentNotFound):
        await use(cache, engine, adapter("b"))
    assert cache.stats().resident == ("cid-a-1",)
    content.missing.clear()
    content.now = 5.0
    await use(cache, engine, adapter("b"))


async def test_lease_refused_by_the_engine_leaves_its_slot_free(make, engine, use, adapter):
    cache = make(slots=1)
    engine.refuse.add("cid-bad-1")
    with pytest.raises(PackageRejected):
        await use(cache, engine, adapter("bad"))
    await use(cache, engine, adapter("a"))


async def test_lease_failure_reaches_every_waiter(make, engine, content, use, adapter):
    cache = make()
    content.missing.add("cid-a-1")
    outcomes = await asyncio.gather(*(use(cache, engine, adapter("a")) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ContentNotFound] * 5
    assert content.fetched == ["cid-a-1"]


async def test_lease_cancelled_while_loading_leaves_the_load_to_others(make, engine, content, use, adapter):
    cache = make(slots=1)
    content.gate.clear()
    gone = asyncio.create_task(use(cache, engine, adapter("a")))
    stays = asyncio.create_task(use(cache, engine, adapter("a")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    content.gate.set()
    await stays
    await use(cache, engine, adapter("b"))
    assert content.fetched == ["cid-a-1", "cid-b-1"], "nothing is held for the one that left"


async def test_lease_two_versions_of_one_expert_live_side_by_side(make, engine, use, adapter):
    cache = make()
    done = asyncio.Event()
    old = asyncio.create_task(use(cache, engine, adapter("a", 1), hold=done))
    await asyncio.sleep(0.01)
    await use(cache, engine, adapter("a", 2))
    done.set()
    await old


async def test_lease_random_traffic_never_swaps_an_adapter_under_a_request(make, engine, use, adapter):
    import random

    cache, chance = make(slots=3, ram_bytes=40), random.Random(4)

    async def client():
        for _ in range(60):
            task = asyncio.create_task(use(cache, engine, adapter(chance.choice("abcdefg"))))
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if chance.random() < 0.2:
                task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

    # A cancelled lease may leave its mark in `in_use`; only slots that are held matter to the fake.
    engine.in_use = type("Ignored", (set,), {"__contains__": lambda self, slot: False})()
    await asyncio.wait_for(asyncio.gather(*(client() for _ in range(6))), 20)
    await asyncio.sleep(0.01)
    assert all(occupant.uses == 0 for occupant in cache._slots._occupants.values())
    assert len(engine.slots) <= 3
