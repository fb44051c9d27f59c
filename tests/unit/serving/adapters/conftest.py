import asyncio
from dataclasses import dataclass

import pytest

from r3mes_ray.errors import ContentNotFound, PackageRejected
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.types import AdapterId, Cid


@dataclass(frozen=True)
class FakePackage:
    cid: str
    size: int = 10

    @property
    def nbytes(self):
        return self.size


class FakeEngine:
    """Slots as a dict; it refuses what the real one would suffer from."""

    def __init__(self):
        self.slots = {}
        self.in_use = set()
        self.loads = []
        self.refuse = set()

    async def prepare(self, package):
        await asyncio.sleep(0)
        if package.cid in self.refuse:
            raise PackageRejected("rank", package.cid, "too large")
        return package

    async def place(self, slot, prepared):
        assert slot not in self.in_use, "an adapter in use was evicted"
        if prepared is None:
            del self.slots[slot]
        else:
            assert slot not in self.slots, "a slot is emptied before it is filled"
            self.slots[slot] = prepared.cid
            self.loads.append(prepared.cid)
        await asyncio.sleep(0)


class FakeContent:
    def __init__(self):
        self.fetched = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.missing = set()
        self.sizes = {}
        self.now = 0.0

    async def fetch(self, adapter):
        self.fetched.append(adapter.cid)
        await self.gate.wait()
        if adapter.cid in self.missing:
            raise ContentNotFound(adapter.cid)
        return FakePackage(adapter.cid, self.sizes.get(adapter.cid, 10))


def _adapter(name, version=1):
    return AdapterId(name, version, Cid(f"cid-{name}-{version}"))


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def content():
    return FakeContent()


@pytest.fixture
def make(engine, content):
    def make(slots=2, slot_bytes=100, ram_bytes=100):
        return AdapterCache(
            engine, content.fetch, lambda package: package.size,
            slots=slots, slot_bytes=slot_bytes, ram_bytes=ram_bytes, clock=lambda: content.now,
        )  # fmt: skip

    return make


async def _use(cache, engine, wanted, hold=None):
    async with cache.lease(wanted) as slot:
        assert engine.slots[slot] == wanted.cid
        engine.in_use.add(slot)
        if hold is not None:
            await hold.wait()
        else:
            await asyncio.sleep(0)
        assert engine.slots[slot] == wanted.cid, "it was swapped under a request"
        engine.in_use.discard(slot)


@pytest.fixture
def use():
    return _use


@pytest.fixture
def adapter():
    return _adapter
