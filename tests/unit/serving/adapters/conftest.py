import asyncio
from dataclasses import dataclass

import pytest

from r3mes_ray.chain.records import Coin, ExpertRecord, ExpertVersionRecord
from r3mes_ray.errors import ContentNotFound, PackageRejected
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.choices import Choices
from r3mes_ray.serving.adapters.follower import Follower
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.routing.base import ExpertProfile
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
        self.sizes, self.made_as = {}, {}
        self.now = 0.0

    async def fetch(self, adapter):
        self.fetched.append(adapter.cid)
        await self.gate.wait()
        if adapter.cid in self.missing:
            raise ContentNotFound(adapter.cid)
        if self.made_as.get(adapter.cid, adapter) != adapter:
            raise PackageRejected("version", str(adapter), f"the package is {self.made_as[adapter.cid]}")
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


async def _until(condition):
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come")


@pytest.fixture
def until():
    return _until


@pytest.fixture
def adapter():
    return _adapter


BASE = "ab" * 32


def _record(name="optics", versions=0, *, base=BASE, description=None, current=None):
    history = tuple(ExpertVersionRecord(n, f"{name}-{n}", n, n, n) for n in range(1, versions + 1))
    number = versions if current is None else current
    return ExpertRecord(name, "remes1o", "tiny", base, description, Coin(1, "uremes"), number, history, 1, None)


class World:
    """What a follower sees: a chain, engines that may refuse, and descriptions."""

    def __init__(self, folder):
        self.folder = folder
        self.records, self.errors, self.checked, self.loaded, self.learned = [], {}, [], [], []
        self.chain_error = self.engine_error = self.pin_error = None
        self.running = ["one"]
        self.profiles = {}
        self.stuck, self.gate = set(), asyncio.Event()
        self.now = 1000.0
        self.table = VersionTable(lambda: self.drawn)
        self.drawn, self.choices, self.pins = 0.5, Choices(), []
        self.store = VersionStore(folder / "versions.json", BASE)

    def follower(self, chosen=(), patience_s=60.0):
        return Follower(
            self.table, self.experts, self, self.profile, self.learn,
            store=self.store, choices=lambda: self.choices, base_hash=BASE, chosen=chosen, clock=lambda: self.now,
            patience_s=patience_s,
        )  # fmt: skip

    async def experts(self):
        if self.chain_error:
            raise self.chain_error
        return self.records

    async def replicas(self):
        if self.engine_error:
            raise self.engine_error
        return frozenset(self.running)

    async def check(self, adapter):
        if self.engine_error:
            raise self.engine_error
        self.checked.append(str(adapter))
        await self._answer(adapter)

    async def preload(self, adapter, only=None):
        self.loaded.append(f"{adapter} on {' '.join(sorted(only))}")
        await self._answer(adapter)

    async def _answer(self, adapter):
        if adapter.cid in self.stuck:
            await self.gate.wait()
        if adapter.cid in self.errors:
            raise self.errors[adapter.cid]

    async def pin(self, adapter, only=None):
        self.pins.append(f"+{adapter} on {' '.join(sorted(only))}")
        if self.pin_error:
            raise self.pin_error

    async def unpin(self, adapter):
        self.pins.append(f"-{adapter}")

    async def profile(self, name, cid):
        found = self.profiles[cid]
        if isinstance(found, Exception):
            raise found
        return ExpertProfile(name, found, (), ())

    async def learn(self, profiles):
        self.learned.append(sorted((profile.name, profile.description) for profile in profiles))

    def current(self, name="optics"):
        return self.table.resolve(name)


@pytest.fixture
def record():
    return _record


@pytest.fixture
def start(tmp_path):
    """A node that sees the world; those of one test have one disk."""
    return lambda: World(tmp_path)


@pytest.fixture
def world(start):
    return start()
