"""An engine under Zipf traffic while versions change: every answer is compared with what its adapter says alone."""

import asyncio
import random
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import torch

from r3mes_ray.chain.records import Coin, ExpertRecord, ExpertVersionRecord
from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, read_package, write_package
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.models.base import load_base
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.choices import Choice, Choices
from r3mes_ray.serving.adapters.fetch import PackageFetcher, package_bytes
from r3mes_ray.serving.adapters.follower import Follower
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.engine import Engine
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.serving.inference.transformers_backend import start_transformers
from r3mes_ray.serving.prompt import Message, chat_render
from r3mes_ray.serving.records import Begun, EngineRequest
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.settings import Settings, parse_settings

QUESTION = (Message("user", "What does it say?"),)
SAMPLING = Sampling(max_tokens=6, temperature=0.0, top_logprobs=0)
NEAR, TIE = 0.25, 0.02
"""Chances that differ by less are the same: the order of a sum can flip the last bit of an activation in int8. Where an
answer begins with another token, the two must be as likely as each other."""
TARGETS = ("down_proj", "o_proj")
CLIENTS, RUNNING, SLOTS, SLOT_BYTES, RAM_BYTES = 12, 8, 24, 2 * 2**20, 12 * 2**20
CLOSED_EARLY = 0.05
BAD = 0.02


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


class Library:
    """Adapters on disk: `experts` with `versions` each, LoRA and DoRA of several ranks; a few are damaged."""

    def __init__(self, folder, base, experts, versions):
        self.folder, self.base, self.names = folder, base, [f"e{number}" for number in range(experts)]
        self.cids, self.bad = {}, set()
        self.store = open_store(parse_settings({"home": folder}))
        chance = random.Random(1)
        for name in self.names:
            for version in range(1, versions + 1):
                self._add(name, version, bad=version > 1 and chance.random() < BAD)

    def package(self, name, version):
        return read_package(self.path(name, version), max_bytes=2**30)

    def path(self, name, version):
        return self.folder / "packages" / f"{name}-{version}"

    def record(self, name, version):
        history = tuple(ExpertVersionRecord(n, self.cids[name, n], n, n, n) for n in range(1, version + 1))
        base = self.base
        return ExpertRecord(
            name, "remes1o", base.base_id, base.base_hash, None, Coin(1, "uremes"), version, history, 1, None
        )

    def _add(self, name, version, *, bad):
        generator = torch.Generator().manual_seed(hash_of(name, version))
        rank, dora = 1 + version % 3, hash_of(name, version) % 2 == 0
        modules = {}
        for layer, (rows, columns) in self.base.linear_shapes.items():
            if layer.endswith(TARGETS):
                a = torch.randn(rank, columns, generator=generator) * 0.2
                b = torch.randn(rows, rank, generator=generator) * 0.2
                norms = self.base.effective_weight(layer).norm(dim=1)
                modules[layer] = ModuleAdapter(a, b, 2.0, norms if dora else None)
        config = AdapterConfig("LORA", rank, 2 * rank, False, dora, TARGETS, {}, {}, self.base.base_hash)
        origin = UpdateOrigin("remes1miner", 0)
        package = make_package(
            config, tensors_of(modules), base_id=self.base.base_id, expert=name, version=version, origin=origin
        )
        path = self.path(name, version)
        write_package(package, path)
        if bad:
            file = path / "adapter_model.safetensors"
            data = bytearray(file.read_bytes())
            data[-1] ^= 1
            file.write_bytes(data)
        cid = asyncio.run(self.store.add(path))
        self.cids[name, version] = cid
        if bad:
            self.bad.add(cid)


def hash_of(name, version):
    return int(name[1:]) * 1000 + version


class Soak:
    """Clients, a chain that goes on, and an operator who rolls back; `run` returns when `seconds` are over."""

    def __init__(self, library, folder, versions):
        self.library, self.versions, self.chance = library, versions, random.Random(7)
        self.base = load_base("tiny", threads=1)
        settings = Settings().serving.model_copy(update={"max_running_requests": RUNNING})
        self.backend = Audited(start_transformers(settings, self.base, SLOTS))
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
        await self._compare_with_each_alone()
        await self.engine.close()
        used = len(self.heard)
        return Outcome(self.requests, used, self.switches, self.wrong, self.backend.illegal, self.rss, stats)

    def _expert(self):
        return self.chance.choices(self.library.names, self.weights)[0]

    async def _ask(self):
        while time.monotonic() < self.ends:
            adapter = self.table.resolve(self._expert())
            request = EngineRequest(QUESTION, (), SAMPLING, adapter, 120.0)
            closed_after = 2 if self.chance.random() < CLOSED_EARLY else None
            said, count = [], 0
            async with aclosing(self.engine.generate(request)) as events:
                async for event in events:
                    count += 1
                    if count == closed_after:
                        break
                    if not isinstance(event, Begun):
                        said += [one.chosen for one in event.chances]
            self.requests += 1
            if closed_after is None:
                self._hear(adapter, said)

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
        """The chain finishes versions, and where it has no more, the operator rolls back and follows again."""
        while time.monotonic() < self.ends:
            name = self._expert()
            self.switches += 1
            if self.at[name] < self.versions:
                self.at[name] += 1
            else:
                held = self.chance.choice([None, *range(1, self.versions)])
                self.choices = self.choices.with_choice(name, Choice(held=held))
            await asyncio.sleep(0.5)

    async def _watch(self):
        while time.monotonic() < self.ends:
            self.rss.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)
            stats = self.engine.report().cache
            if stats.slot_bytes > SLOT_BYTES or stats.ram_bytes > RAM_BYTES or len(stats.resident) > SLOTS:
                self.backend.illegal.append(f"over the budget: {stats}")
            await asyncio.sleep(1.0)

    async def _compare_with_each_alone(self):
        """A fresh engine with one adapter at a time, and one request."""
        alone = start_transformers(Settings().serving, load_base("tiny", threads=1), 1)
        prompt = tuple(self.render(QUESTION))
        for adapter, heard in self.heard.items():
            slot = -1
            if adapter.cid is not None:
                await alone.place(0, await alone.prepare(self.library.package(adapter.expert, adapter.version)))
                slot = 0
            pieces = [piece async for piece in alone.generate(GenerationRequest(prompt, SAMPLING, slot))]
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

    async def profile(self, name, cid):
        return ExpertProfile(name, "", (), ())

    async def learn(self, profiles):
        pass


def alike(one, other):
    """The same tokens with the same chances, up to a place where rounding may decide between two tokens."""
    for place, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        same = mine.text == theirs.text
        if abs(mine.logprob - theirs.logprob) > (NEAR if same or place else TIE):
            return False
        if not same:
            return True
    return len(one) == len(other)


def told_apart(heard, chance):
    """Share of pairs of adapters whose answers are not alike."""
    pairs = [chance.sample(sorted(heard, key=str), 2) for _ in range(2000)]
    return sum(not alike(heard[one], heard[other]) for one, other in pairs) / len(pairs)
