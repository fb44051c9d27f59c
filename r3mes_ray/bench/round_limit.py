"""The wall time of a round's work beside what any program needs for the same bytes on the same cores.

The work is what `r3mes round verify` does: fetch from the disk store, verify, judge, find copies, aggregate, serialise.
The limit: every byte is hashed once on all cores while it is read from memory once, and the aggregate is hashed once.
There is no network in either, and none of the chain's phases.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch

from r3mes_ray.bench.read_limit import READERS
from r3mes_ray.bench.report import Row, row
from r3mes_ray.chain.records import RoundPhase, RoundRecord, UpdateRecord
from r3mes_ray.content import cid_of_path, open_store
from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter, UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.models.base import BaseModel, load_base
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import Settings
from r3mes_ray.training.aggregation import write_aggregate
from r3mes_ray.training.checking.recompute import fetch_verdicts, recompute
from r3mes_ray.training.round import RoundPlan, plan_round
from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.training.stored import FROM_BASE
from r3mes_ray.types import Address, Cid, RoundId, UpdateId

UPDATES, RANK = 100, 16
EXPERT, SIZE = "optics", 0.01
PROBE = 64 * 2**20
"""Bytes that each core hashes, and that are read from memory, to find the machine's rates."""
PROBES = 5


def measure_round(settings: Settings, say: Callable[[str], None]) -> tuple[Row, ...]:
    """A hundred LoRAs of the shipped base by multi-Krum, which bears two liars: first their bytes, then all of it."""
    base = load_base(settings.model.path, threads=settings.model.threads)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        own = settings.model_copy(update={"home": folder / "home"})
        records, size = asyncio.run(_publish(own, base, folder / "packages"))
        say(f"a round of {UPDATES} updates of {size / UPDATES / 2**20:.2f} MiB beside its limit")
        plan = _plan(base, records)
        began = time.perf_counter()
        fetch_verdicts(own, base, plan, (), folder / "fetched")
        fetching = time.perf_counter() - began
        began = time.perf_counter()
        found = recompute(own, base, plan, FROM_BASE, (), folder / "updates")
        (folder / "aggregate").mkdir()
        admitted, out = found.admission, folder / "aggregate"
        write_aggregate(
            found.aggregate, base.base_id, plan, admitted.accepted, admitted.excluded, admitted.history, out
        )
        cid_of_path(out)
        seconds = time.perf_counter() - began
        written = sum(file.stat().st_size for file in out.iterdir())
    if len(admitted.accepted) != UPDATES:
        raise ValueError(f"{UPDATES - len(admitted.accepted)} honest updates were refused")
    measured = (("fetch and check", fetching, _limit(size, 0)), ("verify", seconds, _limit(size, written)))
    return tuple(
        row(f"{name}, N = {UPDATES}", [took], "s", peer="limit of its bytes", peer_samples=[limit])
        for name, took, limit in measured
    )


def _limit(read: int, written: int) -> float:
    """Seconds: the slower of hashing on all cores and reading, then the aggregate's hash on one."""
    hashing, reading = _hash_rate(), _read_rate()
    return max(read / (hashing * (os.cpu_count() or 1)), read / reading) + written / hashing


def _hash_rate() -> float:
    """Bytes a second and core, with all cores at it; the best of some runs."""
    block, cores = bytes(PROBE), os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        return PROBE / _best(lambda: list(pool.map(lambda _: hashlib.sha256(block).digest(), range(cores))))


def _read_rate() -> float:
    """Bytes a second, by the fastest reader; the best of some runs."""
    numbers = torch.ones(PROBE // 4)
    return PROBE / min(_best(partial(read, numbers)) for read in READERS.values())


def _best(call: Callable[[], object]) -> float:
    """Seconds of the fastest run."""
    found = []
    for _ in range(PROBES):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


async def _publish(settings: Settings, base: BaseModel, folder: Path) -> tuple[list[UpdateRecord], int]:
    """Random updates around a shared step, in the store; their records, and their bytes together."""
    store = open_store(settings)
    records, size = [], 0
    for number in range(UPDATES):
        package, place = _update(base, number), folder / str(number)
        write_package(package, place)
        size += sum(file.stat().st_size for file in place.iterdir())
        records.append(_record(number, package, await store.add(place)))
    return records, size


def _update(base: BaseModel, number: int) -> AdapterPackage:
    shared, own = torch.Generator().manual_seed(0), torch.Generator().manual_seed(number + 1)

    def noisy(*shape: int) -> torch.Tensor:
        return SIZE * (torch.randn(*shape, generator=shared) + 0.3 * torch.randn(*shape, generator=own))

    modules = {
        name: ModuleAdapter(noisy(RANK, shape[1]), noisy(shape[0], RANK), 1.0, None)
        for name, shape in base.linear_shapes.items()
    }
    targets = tuple(sorted({name.rpartition(".")[2] for name in modules}))
    config = AdapterConfig("LORA", RANK, RANK, False, False, targets, {}, {}, base.base_hash)
    origin = UpdateOrigin(Address(f"miner-{number}"), RoundId(0))
    return make_package(config, tensors_of(modules), base_id=base.base_id, expert=EXPERT, version=1, origin=origin)


def _record(number: int, package: AdapterPackage, cid: Cid) -> UpdateRecord:
    return UpdateRecord(
        update_id=UpdateId(number),
        miner=Address(f"miner-{number}"),
        cid=cid,
        model_version="",
        round_id=RoundId(0),
        gradient_hash=package.manifest.gradient_hash,
        submitted_height=0,
        status="pending",
        claimed_loss="",
    )


def _plan(base: BaseModel, records: list[UpdateRecord]) -> RoundPlan:
    record = RoundRecord(
        round_id=RoundId(0),
        expert=EXPERT,
        base_model=base.base_id,
        base_hash=base.base_hash,
        start_version=0,
        start=None,
        rule="multi-krum",
        rule_parameters=RuleParameters(rank=RANK, faults=2).to_json(),
        weight_height=0,
        opened_height=0,
        submit_end=0,
        commit_end=0,
        reveal_end=0,
        challenge_end=0,
        phase=RoundPhase.COMMIT,
        opened_by=Address(""),
        updates=len(records),
        aggregation=None,
    )
    return plan_round(record, records)
