"""A hot expert cannot starve a cold one: who is admitted next, and who gives way when the queue is full."""

import asyncio
from dataclasses import dataclass

import pytest

from r3mes_ray.errors import QueueFull
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.serving.inference.fair_queue import FairQueue


@dataclass(frozen=True)
class Item:
    name: str
    slot: int


def queue_of(text):
    queue = FairQueue()
    for place, slot in enumerate(text):
        queue.push(Item(f"{slot}{place}", ord(slot)))
    return queue


def popped(queue, running=""):
    return "".join(queue.pop([ord(slot) for slot in running]).name[0] for _ in range(len(queue)))


def test_pop_takes_turns_among_adapters():
    assert popped(queue_of("aaaabcb")) == "abcabaa"


def test_pop_prefers_the_adapter_with_the_fewest_running():
    assert popped(queue_of("aab"), running="a") == "baa"


def test_pop_within_an_adapter_is_first_come_first_served():
    queue = queue_of("aaa")
    assert [queue.pop([]).name for _ in range(3)] == ["a0", "a1", "a2"]


def test_displace_takes_the_newest_of_the_longest_queue():
    queue = queue_of("aaab")
    assert queue.displace(ord("c")).name == "a2"
    assert queue.displace(ord("b")) is None, "with one more, b would have as many as a"


def asked(text, slot=-1, **options):
    sampling = Sampling(temperature=0.0, max_tokens=40)
    return GenerationRequest(tuple(text.encode()), sampling, slot, 20.0, **options)


async def collect(backend, request):
    return "".join([piece.text async for piece in backend.generate(request)])


async def test_full_queue_of_a_hot_adapter_still_takes_a_cold_one(start, rows):
    backend = start(max_running=1, max_waiting=3)
    rows.gate.clear()
    hot = [asyncio.create_task(collect(backend, asked("y", 0))) for _ in range(4)]
    await asyncio.sleep(0)
    cold = asyncio.create_task(collect(backend, asked("v", 1)))
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await collect(backend, asked("y", 0))
    rows.gate.set()
    assert await cold == "xz"
    outcomes = await asyncio.gather(*hot, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["str"] * 3 + ["QueueFull"]


async def test_cold_adapter_is_next_however_many_hot_requests_came_before(start, rows):
    backend = start(max_running=1, max_waiting=50)
    ended = []

    async def client(name, slot):
        await collect(backend, asked("y", slot))
        ended.append(name)

    rows.gate.clear()
    tasks = [asyncio.create_task(client("hot", 0)) for _ in range(20)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(client("cold", 1)))
    await asyncio.sleep(0)
    rows.gate.set()
    await asyncio.gather(*tasks)
    assert ended.index("cold") <= 2


async def test_cancelled_request_frees_its_row_within_a_step(start, rows):
    backend = start(max_running=1, max_waiting=4)
    endless = GenerationRequest(tuple(b"a"), Sampling(temperature=2.0, seed=1, max_tokens=60), -1, 20.0)
    pieces = backend.generate(endless)
    await anext(pieces)
    rows.gate.clear()
    steps = backend.stats().steps
    await pieces.aclose()
    following = asyncio.create_task(collect(backend, asked("y")))
    await asyncio.sleep(0)
    rows.gate.set()
    assert await following == "z"
    # The step that was under way, and those of the answer itself: one for `z`, one for its end.
    assert backend.stats().steps - steps <= 1 + 2
