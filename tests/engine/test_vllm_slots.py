import gc

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin.gains import GainCache

from r3mes_ray.models.adapters import UpdateOrigin, make_package
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.models.base import SHIPPED, load_base, shipped_path
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.serving.inference.vllm_backend import served_base
from r3mes_ray.serving.inference.vllm_slots import VllmSlots
from r3mes_ray.vllm_plugin.base_weights import BaseWeights


def test_adapter_that_is_prepared_and_never_placed_leaves_no_gains_behind(tmp_path):
    folder, base = shipped_path(SHIPPED), load_base("tiny", threads=1)
    layer = next(name for name in base.linear_shapes if name.endswith("o_proj"))
    rows, columns = base.linear_shapes[layer]
    norms = base.effective_weight(layer).norm(dim=1)
    modules = {layer: ModuleAdapter(torch.ones(2, columns), torch.ones(rows, 2), 2.0, norms)}
    config = AdapterConfig("LORA", 2, 4, False, True, ("o_proj",), {}, {}, base.base_hash)
    origin = UpdateOrigin("remes1miner", 0)
    package = make_package(config, tensors_of(modules), base_id=base.base_id, expert="optics", version=1, origin=origin)
    gains = GainCache(BaseWeights(folder), tmp_path, max_bytes=1)
    # No engine: preparing is to do without one.
    slots = VllmSlots(None, served_base(folder), gains, tmp_path, max_rank=8)
    prepared = slots.prepare(package)
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == [package.manifest.gradient_hash]
    del prepared
    gc.collect()
    assert list(tmp_path.iterdir()) == []
