import asyncio
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from r3mes_ray.errors import DeadlineExceeded, PackageRejected
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.engine import Engine
from r3mes_ray.serving.inference.base import EngineStats, Piece, Sampling
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import Begun, EngineRequest
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.serving.retrieval import Passage
from r3mes_ray.types import AdapterId

OPTICS = AdapterId("optics", 1, "cid1")
PASSAGE = Passage("o.txt", 0, 0.9, "light")


@dataclass(frozen=True)
class FakePrepared:
    text: str

    @property
    def nbytes(self):
        return len(self.text)


class FakeBackend:
    """The port in 20 lines: it answers with the name of what is in the slot, letter by letter."""

    def __init__(self):
        self.slots, self.requests, self.closed = {}, [], False

    async def generate(self, request):
        self.requests.append(request)
        text = self.slots.get(request.slot, "base")
        for count, letter in enumerate(text, 1):
            await asyncio.sleep(0)
            yield Piece(letter, count, "stop" if count == len(text) else None)

    async def prepare(self, package):
        return FakePrepared(package)

    async def place(self, slot, prepared):
        self.slots.pop(slot, None)
        if prepared is not None:
            self.slots[slot] = prepared.text

    def stats(self):
        return EngineStats(True, 0, 0, len(self.requests), 0, 0)

    async def close(self):
        self.closed = True


async def fetch(adapter):
    if adapter.cid == "bad":
        raise PackageRejected("rank", "bad", "too large")
    if adapter.cid == "slow":
        await asyncio.Event().wait()
    return str(adapter)


@pytest.fixture
def backend():
    return FakeBackend()


@pytest.fixture
def engine(backend):
    cache = AdapterCache(backend, fetch, len, slots=2, slot_bytes=100, ram_bytes=100, clock=lambda: 0.0)
    return Engine(backend, cache, lambda turns: [len(turn.text) for turn in turns], EngineInfo("tiny", "ab", 64))


def asked(adapter, timeout_s=5.0):
    return EngineRequest((Message("user", "why?"),), (PASSAGE,), Sampling(max_tokens=9), adapter, timeout_s)


async def test_generate_with_an_adapter_runs_in_its_slot(engine, backend):
    first, *pieces = [event async for event in engine.generate(asked(OPTICS))]
    assert isinstance(first, Begun)
    assert (first.base, first.prompt_tokens, first.passages) == ("tiny", 1, (PASSAGE,))
    assert "".join(piece.text for piece in pieces) == "optics@1"
    assert backend.requests[0].prompt == (len("light\n\nwhy?"),)
    assert engine.report().cache.resident == ("cid1",)


async def test_generate_without_adapter_is_the_base(engine):
    pieces = [event async for event in engine.generate(asked(None))][1:]
    assert "".join(piece.text for piece in pieces) == "base"


async def test_generate_closed_early_releases_its_adapter(engine, backend):
    async with aclosing(engine.generate(asked(OPTICS))) as events:
        await anext(events)
        await anext(events)
    for number in (2, 3):
        [event async for event in engine.generate(asked(AdapterId("optics", number, f"cid{number}")))]
    assert engine.report().cache.resident == ("cid2", "cid3")


async def test_generate_adapter_that_does_not_come_in_time_is_named(engine):
    with pytest.raises(DeadlineExceeded, match="loading the adapter"):
        [event async for event in engine.generate(asked(AdapterId("o", 1, "slow"), timeout_s=0.01))]


async def test_preload_bad_adapter_says_why(engine):
    with pytest.raises(PackageRejected):
        await engine.preload(AdapterId("o", 1, "bad"))
    assert engine.report().cache.resident == ()


async def test_close_closes_the_backend(engine, backend):
    await engine.close()
    assert backend.closed


async def test_generate_fetches_the_runners_up_while_it_answers(engine):
    runner_up = AdapterId("legal", 4, "cid4")
    request = EngineRequest(
        (Message("user", "why?"),), (), Sampling(max_tokens=9), OPTICS, 5.0, runners_up=(runner_up,)
    )
    async with aclosing(engine.generate(request)) as events:
        await anext(events)
        await anext(events)
        assert engine.report().cache.prefetches == 0, "the first word comes first"
        await anext(events)
        assert engine.report().cache.prefetches == 1
    assert engine.report().cache.resident == ("cid1",)
