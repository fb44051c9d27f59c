"""Adapters in the slots of a served engine: in place of another, failing, and ready beside its thread."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from engine_models import save_package

from r3mes_ray.models.adapters import read_package
from r3mes_ray.models.base import load_base
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.settings import parse_settings

SLOTS = 2


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def backend(home):
    serving = {"engine": {"kind": "vllm", "max_adapters": SLOTS, "max_rank": 8}, "max_running_requests": 4}
    backend = open_backend(parse_settings({"home": home, "model": {"threads": 2}, "serving": serving})).backend
    yield backend
    backend._loop.stop()
    backend._release()


@pytest.fixture
async def slots(backend):
    """The slots of the engine, empty before and after."""
    yield backend._slots
    for slot in range(SLOTS):
        await backend.place(slot, None)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    base, folder = load_base("tiny"), tmp_path_factory.mktemp("packages")
    for number in range(4):
        save_package(base, folder / str(number), number, 4, dora=number % 2 == 0)
    return [read_package(folder / str(number), max_bytes=1 << 30) for number in range(4)]


async def tokens(backend, slot):
    sampling = Sampling(temperature=0.0, max_tokens=8, top_logprobs=1)
    request = GenerationRequest(tuple(range(20, 30)), sampling, slot, 120.0)
    return [one.chosen.logprob async for piece in backend.generate(request) for one in piece.chances]


async def test_adapter_takes_the_place_of_another_where_all_slots_are_full(backend, slots, packages):
    for slot in range(SLOTS):
        await backend.place(slot, await backend.prepare(packages[slot]))
    first = await tokens(backend, 0)
    await backend.place(0, await backend.prepare(packages[2]))
    assert len(slots._engine.list_loras()) == SLOTS
    assert await tokens(backend, 0) != first
    await backend.place(0, await backend.prepare(packages[0]))
    assert await tokens(backend, 0) == first


async def test_adapter_that_fails_after_vllm_registered_it_leaves_nothing_there(backend, slots, packages):
    good = await backend.prepare(packages[0])
    name, layer = next(iter(good.content.layers.items()))
    layers = dict(good.content.layers) | {name: replace(layer, gain=torch.ones(3))}
    bad = replace(good, name="bad", content=replace(good.content, layers=layers))
    await backend.place(1, await backend.prepare(packages[1]))
    before = slots._engine.list_loras()
    for _ in range(SLOTS + 1):
        with pytest.raises(RuntimeError, match="must match"):
            await backend.place(0, bad)
    assert slots._engine.list_loras() == before
    await backend.place(0, good)
    assert len(slots._engine.list_loras()) == SLOTS


async def test_second_load_of_a_dora_computes_no_gains_and_place_reads_no_file(backend, slots, packages, home):
    await backend.prepare(packages[0])
    computed = slots._side.gains.computed
    ready = await backend.prepare(packages[0])
    assert slots._side.gains.computed == computed
    assert len(list((home / "serving" / "gains").iterdir())) >= 1
    await backend.place(0, ready)
    core = slots._engine.engine_core.engine_core
    worker = core.model_executor.driver_worker.worker.model_runner.lora_manager
    assert (worker._cache, worker._base) == (None, None)
    assert worker._settings["base_hash"] == slots._side.base.base_hash
