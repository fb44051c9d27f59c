"""Fetching, judging and averaging updates as Ray tasks gives, bit for bit, what one process gives."""

import asyncio
from dataclasses import dataclass, replace

import pytest
import torch
from ray.exceptions import ObjectLostError

from r3mes_ray.chain.records import RoundPhase, RoundRecord, UpdateRecord
from r3mes_ray.content import open_store
from r3mes_ray.errors import WorkLost
from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import Settings
from r3mes_ray.training.actors import RayObjects, layer_work, ray_map
from r3mes_ray.training.aggregation import aggregate_updates
from r3mes_ray.training.gate.update import FetchJob, decode_update
from r3mes_ray.training.gate.validation import Demand, faults_of_effects
from r3mes_ray.training.layers import IN_PROCESS, LayerWork
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.round import plan_round
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import HeldAdapter

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

NAME, BASE_HASH = "base_model.model.model.layers.0.self_attn.q_proj", "ab" * 32
SHAPES = {"model.layers.0.self_attn.q_proj": (4, 5), "model.layers.0.self_attn.v_proj": (4, 5)}
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
    demand = Demand(ROUND, "tiny", BASE_HASH, SHAPES, 2**20)
    for number in range(6):
        made = package(number, bad=number == 3)
        write_package(made, folder / str(number))
        cid = await store.add(folder / str(number))
        record = UpdateRecord(
            number, f"remes1{number}", cid, "tiny/python@0", 0, made.manifest.gradient_hash, 9, "pending", ""
        )
        jobs.append(FetchJob(settings, record, demand))
    return jobs


def label(job):
    return f"fetch update {job.record.update_id}"


@dataclass(frozen=True)
class Base:
    """One ternary layer, and one that is not."""

    base_id: str = "tiny"
    base_hash: str = BASE_HASH

    @property
    def linear_shapes(self):
        return SHAPES

    def effective_weight(self, name):
        generator = torch.Generator().manual_seed(9)
        codes = torch.randint(-1, 2, SHAPES[name], generator=generator).float()
        return codes * 0.3 if "q_proj" in name else codes + 0.25


def decoded(objects, jobs):
    found = {}
    for index, (head, pieces) in objects.scatter(decode_update, jobs, label, len(SHAPES)):
        if isinstance(head, Excluded):
            found[index] = head
        else:
            held = dict(zip(sorted(SHAPES), pieces, strict=True))
            found[index] = HeldAdapter(head.dora, head.layers, {layer.path: held[layer.path] for layer in head.layers})
    return found


def test_updates_decoded_over_ray_are_judged_and_averaged_as_in_one_process(tmp_path):
    jobs = asyncio.run(publish(Settings(home=tmp_path / "home"), tmp_path))
    parameters = '{"rank":2}'
    plan = plan_round(replace(ROUND, rule_parameters=parameters), [job.record for job in jobs])
    seen = []
    for work in (IN_PROCESS, layer_work(3, 120.0, 120.0, 0.0), LayerWork(ray_map(1, 120.0), RayObjects(1, 120.0))):
        found = decoded(work.objects, jobs)
        assert isinstance(found.pop(3), Excluded)
        adapters = [found[index] for index in sorted(found)]
        assert faults_of_effects(adapters, Base(), work) == [None] * 5
        aggregate = aggregate_updates(Base(), plan, adapters, work=work)
        gram = compare_steps(Base(), adapters, None, work=work).gram
        seen.append({name: tensor.tolist() for name, tensor in aggregate.tensors.items()} | {"gram": gram.tolist()})
    assert seen[0] == seen[1] == seen[2]


def test_layer_whose_update_was_lost_is_lost_and_says_so(tmp_path):
    jobs = asyncio.run(publish(Settings(home=tmp_path / "home"), tmp_path))
    work = layer_work(3, 120.0, 30.0, 0.0)
    adapter = next(iter(decoded(work.objects, jobs[:1]).values()))
    gone = HeldAdapter(False, adapter.layers, {layer.path: Gone() for layer in adapter.layers})
    with pytest.raises(WorkLost, match=r"compare .*q_proj.* was lost: ObjectLostError"):
        compare_steps(Base(), [gone], None, work=work)


class Gone:
    """A value that went with its host."""

    def get(self):
        raise ObjectLostError("00" * 28, "", "")
