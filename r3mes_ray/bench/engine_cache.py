"""The adapter cache over vLLM: more adapters than slots, and what a load costs and does to others."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.bench.report import Row, row
from r3mes_ray.content import open_store
from r3mes_ray.models.adapters.package import read_package
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.fetch import PackageFetcher, package_bytes
from r3mes_ray.serving.inference import Opened, open_backend
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.settings import Settings, parse_settings
from r3mes_ray.types import AdapterId

SLOTS, IN_RAM = 8, 24
REQUESTS, CLIENTS, TOKENS = 160, 8, 8
WORKING_SETS = (8, 16, 32, 64)
PROBES = 40


@dataclass(frozen=True, slots=True)
class Library:
    """Adapters in the content store, and bytes of one."""

    settings: Settings
    adapters: tuple[AdapterId, ...]
    size: int


def measure_cache(model: Path, home: Path, folders: Sequence[str], say: Callable[[str], None]) -> list[Row]:
    """Working-set cliff and cold loads, on one engine."""
    return asyncio.run(_measure(model, home, folders, say))


async def _measure(model: Path, home: Path, folders: Sequence[str], say: Callable[[str], None]) -> list[Row]:
    engine = {"kind": "vllm", "max_adapters": SLOTS, "max_rank": 8}
    serving = {"engine": engine, "max_running_requests": CLIENTS}
    settings = parse_settings({"home": home, "model": {"path": str(model)}, "serving": serving})
    library = await _stored(settings, folders)
    opened = open_backend(settings)
    rows: list[Row] = []
    try:
        for count in WORKING_SETS:
            for shape in ("uniform", "Zipf"):
                say(f"{count} adapters, {SLOTS} slots, {shape}")
                rows += await _cliff(opened, library, count, shape)
        say("cold loads, idle and beside requests")
        rows += await _cold(opened, library)
    finally:
        await opened.backend.close()
    return rows


async def _stored(settings: Settings, folders: Sequence[str]) -> Library:
    store, adapters, size = open_store(settings), [], 0
    for folder in map(Path, folders):
        package = read_package(folder, max_bytes=2**30)
        adapters.append(AdapterId(package.manifest.expert, package.manifest.version, await store.add(folder)))
        size = package.nbytes
    return Library(settings, tuple(adapters), size)


def _cache(opened: Opened, library: Library) -> AdapterCache:
    fetcher = PackageFetcher(open_store(library.settings), opened.base.linear_shapes, opened.base.base_hash)
    return AdapterCache(
        opened.backend,
        fetcher.fetch,
        package_bytes,
        slots=SLOTS,
        slot_bytes=2 * SLOTS * library.size,
        ram_bytes=IN_RAM * library.size,
        clock=time.monotonic,
    )


async def _cliff(opened: Opened, library: Library, count: int, shape: str) -> list[Row]:
    """Requests a second and the share of them that found their adapter in a slot."""
    cache, chance = _cache(opened, library), random.Random(count)
    weights = [1.0 if shape == "uniform" else 1 / (place + 1) for place in range(count)]
    wanted = iter(chance.choices(library.adapters[:count], weights, k=REQUESTS))

    async def client() -> None:
        for adapter in wanted:
            async with cache.lease(adapter) as slot:
                await _answered(opened, slot, TOKENS)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    seconds = time.perf_counter() - began
    stats = cache.stats()
    await _emptied(opened)
    name = f"{count} adapters, {SLOTS} slots, {shape}"
    return [
        row(name, [REQUESTS / seconds], "requests/s", lower_is_better=False),
        row(f"{name}: in a slot", [100 * stats.slot_hits / REQUESTS], "%", lower_is_better=False),
        row(
            f"{name}: in slot or RAM", [100 * (stats.slot_hits + stats.ram_hits) / REQUESTS], "%", lower_is_better=False
        ),
    ]


async def _cold(opened: Opened, library: Library) -> list[Row]:
    idle = await _load_times(opened, library)
    quiet = [await _first_token_s(opened) for _ in range(PROBES)]
    loading = asyncio.create_task(_load_forever(opened, library))
    beside = [await _first_token_s(opened) for _ in range(PROBES)]
    loading.cancel()
    with suppress(asyncio.CancelledError):
        await loading
    await _emptied(opened)
    return [
        row("cold load p50", [1000 * statistics.median(idle)], "ms"),
        row("cold load p95", [1000 * _p95(idle)], "ms"),
        row("first token of others p50", [_ms(beside)], "ms", peer="without loads", peer_samples=[_ms(quiet)]),
        row(
            "first token of others p95", [1000 * _p95(beside)], "ms", peer="without", peer_samples=[1000 * _p95(quiet)]
        ),
    ]


async def _load_times(opened: Opened, library: Library) -> list[float]:
    """From the content store to its slot, verified: every adapter once."""
    cache, times = _cache(opened, library), []
    for adapter in library.adapters:
        began = time.perf_counter()
        await cache.preload(adapter)
        times.append(time.perf_counter() - began)
    await _emptied(opened)
    return times


async def _load_forever(opened: Opened, library: Library) -> None:
    while True:
        cache = _cache(opened, library)
        try:
            for adapter in library.adapters:
                await cache.preload(adapter)
        finally:
            await _emptied(opened)


async def _first_token_s(opened: Opened) -> float:
    began = time.perf_counter()
    await _answered(opened, -1, 1)
    return time.perf_counter() - began


async def _answered(opened: Opened, slot: int, tokens: int) -> None:
    request = GenerationRequest(tuple(range(100, 116)), Sampling(max_tokens=tokens, temperature=0.0), slot)
    async for _ in opened.backend.generate(request):
        pass


async def _emptied(opened: Opened) -> None:
    """The engine as it was: the next cache begins with empty slots."""
    for slot in range(SLOTS):
        await opened.backend.place(slot, None)


def _ms(seconds: Sequence[float]) -> float:
    return 1000 * statistics.median(seconds)


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]
