"""Fetching and judging updates as Ray tasks gives, bit for bit, what one process gives."""

import asyncio

import pytest
import torch

from r3mes_ray.chain.records import RoundPhase, RoundRecord, UpdateRecord
from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import Settings
from r3mes_ray.training.actors import ray_map
from r3mes_ray.training.ports import serial_map
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.update import Fetched, FetchJob, fetch_update
from r3mes_ray.training.validation import Demand

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

NAME, BASE_HASH = "base_model.model.model.layers.0.self_attn.q_proj", "ab" * 32
ROUND = RoundRecord(
    0, "python", "tiny", BASE_HASH, 0, None, "mean", "", 5, 5, 15, 40, 80, 90, RoundPhase.COMMIT, "remes1a", 6, None
)


def package(number, *, bad):
    generator = torch.Generator().manual_seed(number)
    tensors = {
        f"{NAME}.lora_A.weight": torch.randn(2, 5, generator=generator),
        f"{NAME}.lora_B.weight": torch.randn(4, 2, generator=generator),
    }
    if bad:
        tensors[f"{NAME}.lora_A.weight"][0, 0] = torch.nan
    config = AdapterConfig("LORA", 2, 4, False, False, ("q_proj",), {}, {}, BASE_HASH)
    origin = UpdateOrigin(f"remes1{number}", 0)
    return make_package(config, tensors, base_id="tiny", expert="python", version=1, origin=origin)


async def publish(settings, folder):
    store, jobs = open_store(settings), []
    demand = Demand(ROUND, "tiny", BASE_HASH, {"model.layers.0.self_attn.q_proj": (4, 5)}, 2**20)
    for number in range(6):
        made = package(number, bad=number == 3)
        write_package(made, folder / str(number))
        cid = await store.add(folder / str(number))
        record = UpdateRecord(
            number, f"remes1{number}", cid, "tiny/python@0", 0, made.manifest.gradient_hash, 9, "pending", ""
        )
        jobs.append(FetchJob(settings, record, demand))
    return jobs


def test_fetch_over_ray_equals_fetch_in_one_process(tmp_path):
    jobs = asyncio.run(publish(Settings(home=tmp_path / "home"), tmp_path))

    def label(job):
        return f"fetch update {job.record.update_id}"

    alone = dict(serial_map(fetch_update, jobs, label))
    over_ray = dict(ray_map(3, 120.0)(fetch_update, jobs, label))
    assert over_ray == alone
    assert [type(alone[index]) for index in range(6)] == [Fetched] * 3 + [Excluded] + [Fetched] * 2
