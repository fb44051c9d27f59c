"""Loads side by side, and checks, which take no slot."""

import asyncio

import pytest

from r3mes_ray.errors import ContentNotFound, PackageRejected


async def test_load_that_waits_for_a_slot_lets_others_be_prepared(make, engine, use, adapter, until):
    cache, done, prepared = make(slots=1), asyncio.Event(), []
    prepare = engine.prepare

    async def noted(package):
        prepared.append(package.cid)
        return await prepare(package)

    engine.prepare = noted
    tasks = [asyncio.create_task(use(cache, engine, adapter("a"), hold=done))]
    await until(lambda: "cid-a-1" in engine.loads)
    tasks += [asyncio.create_task(use(cache, engine, adapter(name))) for name in "bc"]
    await until(lambda: prepared == ["cid-a-1", "cid-b-1", "cid-c-1"])
    assert engine.loads == ["cid-a-1"]
    done.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_adapter_that_yields_its_slot_is_used_from_it_without_a_fetch(make, engine, content, use, adapter, until):
    cache, done_a, done_b = make(slots=2, ram_bytes=0), asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(use(cache, engine, adapter("a"), hold=done_a))]
    await until(lambda: len(engine.loads) == 1)
    tasks.append(asyncio.create_task(use(cache, engine, adapter("b"), hold=done_b)))
    await until(lambda: len(engine.loads) == 2)
    tasks.append(asyncio.create_task(use(cache, engine, adapter("c"))))
    await until(lambda: cache._yielding == adapter("a"))
    content.missing.add("cid-a-1")
    again = asyncio.create_task(use(cache, engine, adapter("a")))
    await asyncio.sleep(0)
    done_b.set()
    await asyncio.wait_for(again, 10)
    assert content.fetched == ["cid-a-1", "cid-b-1", "cid-c-1"]
    done_a.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_check_evicts_nothing_and_makes_nothing_popular(make, engine, content, use, adapter):
    cache = make(slots=2)
    for name in "ab":
        await use(cache, engine, adapter(name))
    for name in "cdef":
        await cache.check(adapter(name))
    assert cache.stats().resident == ("cid-a-1", "cid-b-1")
    assert content.fetched == [f"cid-{name}-1" for name in "abcdef"]
    assert cache._popularity.rank(adapter("c")) == float("-inf")
    await use(cache, engine, adapter("c"))
    assert content.fetched.count("cid-c-1") == 1, "it is in main memory"


async def test_check_says_what_a_request_would_find(make, engine, content, use, adapter):
    cache = make(slot_bytes=25)
    engine.refuse.add("cid-bad-1")
    content.sizes["cid-huge-1"] = 26
    content.missing.add("cid-gone-1")
    for name, error in (("bad", PackageRejected), ("huge", PackageRejected), ("gone", ContentNotFound)):
        for _ in range(2):
            with pytest.raises(error):
                await cache.check(adapter(name))
    assert content.fetched.count("cid-gone-1") == 2, "a check tries again at once"
    content.missing.clear()
    await cache.check(adapter("gone"))
