"""An engine under Zipf traffic while versions change: every answer is compared with what its adapter says alone."""

import asyncio
import random
import statistics
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.choices import Choice, Choices
from r3mes_ray.serving.adapters.fetch import PackageFetcher, package_bytes
from r3mes_ray.serving.adapters.follower import Follower
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.engine import Engine
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.serving.prompt import Message, chat_render
from r3mes_ray.serving.records import Begun, EngineRequest
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.settings import parse_settings

QUESTION = (Message("user", "What does it say?"),)
SAMPLING = Sampling(max_tokens=6, temperature=0.0, top_logprobs=0)
ORDER = 5e-5
"""Log-probabilities differ by less where lm_head sums in another order, and by nothing else."""
CLIENTS, RUNNING, SLOTS, SLOT_BYTES, RAM_BYTES = 12, 8, 24, 2 * 2**20, 12 * 2**20
CLOSED_EARLY, SEVERAL = 0.05, 0.1


@dataclass
class Outcome:
    """What happened; `wrong` and `illegal` have a sentence for each answer or eviction that must not be."""

    requests: int
    adapters_used: int
    switches: int
    wrong: list
    illegal: list
    rss_mib: list
    stats: object


class Audited:
    """An engine that notes a slot that is filled or emptied while a request uses it."""

    def __init__(self, backend):
        self._backend, self._using, self._filled = backend, Counter(), set()
        self.illegal = []
        self.prepare, self.stats, self.close = backend.prepare, backend.stats, backend.close

    async def generate(self, request):
        self._using[request.slot] += 1
        try:
            async with aclosing(self._backend.generate(request)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._using[request.slot] -= 1

    async def place(self, slot, adapter):
        if self._using[slot]:
            self.illegal.append(f"slot {slot} was changed under {self._using[slot]} requests")
        if adapter is not None and slot in self._filled:
            self.illegal.append(f"slot {slot} was filled before it was emptied")
        (self._filled.discard if adapter is None else self._filled.add)(slot)
        await self._backend.place(slot, adapter)


class Soak:
    """Clients, a chain that goes on, and an operator who rolls back; `run` returns when `seconds` are over."""

    def __init__(self, kind, library, folder, versions):
        self.kind, self.library, self.versions, self.chance = kind, library, versions, random.Random(7)
        opened = open_engine_of(kind, folder)
        self.base, self.backend = opened.base, Audited(opened.backend)
        fetcher = PackageFetcher(library.store, self.base.linear_shapes, self.base.base_hash)
        cache = AdapterCache(
            self.backend, fetcher.fetch, package_bytes, slots=SLOTS, slot_bytes=SLOT_BYTES, ram_bytes=RAM_BYTES,
            clock=time.monotonic,
        )  # fmt: skip
        info = EngineInfo(self.base.base_id, self.base.base_hash, self.base.context_tokens)
        self.render = chat_render(self.base.tokenizer)
        self.engine = Engine(self.backend, cache, self.render, info)
        self.table = VersionTable(self.chance.random)
        self.at = dict.fromkeys(library.names, 1)
        self.choices = Choices()
        self.follower = Follower(
            self.table, self.records, self, self.profile, self.learn,
            store=VersionStore(folder / "versions.json", self.base.base_hash), choices=lambda: self.choices,
            base_hash=self.base.base_hash, chosen=(), clock=time.time,
        )  # fmt: skip
        ranks = [1 / (place + 1) ** 1.1 for place in range(len(library.names))]
        self.weights, self.heard, self.requests, self.switches = ranks, {}, 0, 0
        self.wrong, self.rss = [], []

    async def run(self, seconds):
        while self.follower.chain.required:
            await self.follower.follow_once()
        self.ends = time.monotonic() + seconds
        await asyncio.gather(self._follow(), self._change(), self._watch(), *(self._ask() for _ in range(CLIENTS)))
        stats = self.engine.report().cache
        await self.engine.close()
        await self._compare_with_each_alone()
        used = len(self.heard)
        return Outcome(self.requests, used, self.switches, self.wrong, self.backend.illegal, self.rss, stats)

    def _expert(self):
        return self.chance.choices(self.library.names, self.weights)[0]

    async def _ask(self):
        while time.monotonic() < self.ends:
            adapter = self.table.resolve(self._expert())
            choices = 2 if self.chance.random() < SEVERAL else 1
            request = EngineRequest(QUESTION, (), SAMPLING, adapter, 120.0, choices)
            closed_after = 2 if self.chance.random() < CLOSED_EARLY else None
            said, count = [[] for _ in range(choices)], 0
            async with aclosing(self.engine.generate(request)) as events:
                async for event in events:
                    count += 1
                    if count == closed_after:
                        break
                    if not isinstance(event, Begun):
                        said[event.choice] += [one.chosen for one in event.chances]
            self.requests += 1
            for one in said if closed_after is None else ():
                self._hear(adapter, one)

    def _hear(self, adapter, said):
        """An answer of an adapter: the same as every other one of it."""
        if adapter.cid in self.library.bad:
            self.wrong.append(f"{adapter} is damaged, and answered")
        known = self.heard.setdefault(adapter, said)
        if not alike(known, said):
            self.wrong.append(f"{adapter} said {said}, and before {known}")

    async def _follow(self):
        while time.monotonic() < self.ends:
            await self.follower.follow_once()
            await asyncio.sleep(0.2)

    async def _change(self):
        """The chain finishes versions; where it has no more, the operator decides on rollback, canary and pin."""
        while time.monotonic() < self.ends:
            name = self._expert()
            self.switches += 1
            if self.at[name] < self.versions:
                self.at[name] += 1
            else:
                held, canary = (self.chance.choice([None, *range(1, self.versions)]) for _ in range(2))
                share, pinned = 0.0 if canary is None else 0.3, self.chance.random() < 0.2
                choice = Choice(held=held, canary=canary, share=share, pinned=pinned)
                self.choices = self.choices.with_choice(name, choice)
            await asyncio.sleep(0.5)

    async def _watch(self):
        while time.monotonic() < self.ends:
            self.rss.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)
            stats = self.engine.report().cache
            if stats.slot_bytes > SLOT_BYTES or stats.ram_bytes > RAM_BYTES or len(stats.resident) > SLOTS:
                self.backend.illegal.append(f"over the budget: {stats}")
            await asyncio.sleep(1.0)

    async def _compare_with_each_alone(self):
        """A fresh engine of the same kind with one adapter at a time, and one request."""
        alone = open_engine_of(self.kind, self.library.folder).backend
        prompt = tuple(self.render(QUESTION))
        for adapter, heard in self.heard.items():
            slot = -1
            if adapter.cid is not None:
                await alone.place(0, await alone.prepare(self.library.package(adapter.expert, adapter.version)))
                slot = 0
            pieces = [piece async for piece in alone.generate(GenerationRequest(prompt, SAMPLING, slot))]
            if adapter.cid is not None:
                await alone.place(0, None)
            said = [one.chosen for piece in pieces for one in piece.chances]
            if not alike(heard, said):
                self.wrong.append(f"{adapter} said {heard}, alone it says {said}")
        await alone.close()

    async def records(self):
        return [self.library.record(name, version) for name, version in self.at.items()]

    async def replicas(self):
        return frozenset({"one"})

    async def check(self, adapter):
        await self.engine.check(adapter)

    async def preload(self, adapter, only=None):
        await self.engine.preload(adapter)

    async def pin(self, adapter, only=None):
        await self.engine.pin(adapter)

    async def unpin(self, adapter):
        self.engine.unpin(adapter)

    async def profile(self, name, cid):
        return ExpertProfile(name, "", (), ())

    async def learn(self, profiles):
        pass


def open_engine_of(kind, folder):
    serving = {"engine": {"kind": kind, "max_adapters": SLOTS}, "max_running_requests": RUNNING}
    return open_backend(parse_settings({"home": folder, "model": {"threads": 1}, "serving": serving}))


def alike(one, other):
    """The same tokens with the same chances."""
    pairs = zip(one, other, strict=False)
    near = all(mine.text == theirs.text and abs(mine.logprob - theirs.logprob) < ORDER for mine, theirs in pairs)
    return near and len(one) == len(other)


def told_apart(heard, chance):
    """Share of pairs of adapters whose answers are not alike."""
    pairs = [chance.sample(sorted(heard, key=str), 2) for _ in range(2000)]
    return sum(not alike(heard[one], heard[other]) for one, other in pairs) / len(pairs)


def growth(sizes):
    """What a line through the second half of the sizes rises by in it, as a share of their mean."""
    half = sizes[len(sizes) // 2 :]
    slope = statistics.linear_regression(range(len(half)), half).slope
    return slope * len(half) / statistics.fmean(half)
