"""Scoring updates as Ray tasks gives the verdicts of one process, and finds a package that only content has."""

import asyncio
from pathlib import Path

import pytest
import torch

from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import ModuleAdapter, UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import Settings
from r3mes_ray.training.actors import ray_map
from r3mes_ray.training.gate.evaluation import Scored, worse_than_start
from r3mes_ray.training.gate.held_out import HeldOut
from r3mes_ray.training.ports import serial_map

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def package(base, scale):
    generator, modules = torch.Generator().manual_seed(5), {}
    for name, (rows, columns) in base.linear_shapes.items():
        if name.endswith("q_proj"):
            a, b = (torch.randn(*shape, generator=generator) for shape in ((2, columns), (rows, 2)))
            modules[name] = ModuleAdapter(a * scale, b * scale, 1.0, None)
    config = AdapterConfig("LORA", 2, 2, False, False, ("q_proj",), {}, {}, base.base_hash)
    origin = UpdateOrigin("remes1a", 0)
    return make_package(config, tensors_of(modules), base_id=base.base_id, expert="python", version=1, origin=origin)


def test_evaluation_over_ray_refuses_what_one_process_refuses(tmp_path):
    settings, base = Settings(home=tmp_path / "home"), load_base("tiny")
    store, updates = open_store(settings), []
    for number, scale in enumerate((0.001, 1.0)):
        folder = tmp_path / f"update-{number}"
        write_package(package(base, scale), folder)
        cid = asyncio.run(store.add(folder))
        # The second is on no disk that a worker sees, only in content.
        updates.append((number, Scored(folder if number == 0 else Path("/nowhere"), cid, 2**24)))
    text = (shipped_path("experts") / "python" / "heldout.txt").read_text()[:3000]
    gate = HeldOut(text, 64, 0.05)
    alone = worse_than_start(settings, gate, None, updates, serial_map)
    over_ray = worse_than_start(settings, gate, None, updates, ray_map(2, 180.0))
    assert [(entry.update_id, entry.rule) for entry in alone] == [(1, "loss")]
    assert [(entry.update_id, entry.rule) for entry in over_ray] == [(1, "loss")]
