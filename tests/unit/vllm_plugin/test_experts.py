"""Experts of an MoE take no adapter: vLLM has a LoRA layer for them, which knows no gains."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from vllm.lora.layers import FusedMoEWithLoRA

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.vllm_plugin.layers import GROUPED_LAYERS, STACKED_LAYERS
from r3mes_ray.vllm_plugin.worker import ExactModelManager, ExactWorkerManager

EXPERTS = "model.layers.0.mlp.experts"
PARTS = [f"{EXPERTS}.{expert}.{part}" for expert in (0, 1) for part in ("gate_proj", "down_proj", "up_proj")]


@pytest.fixture
def worker():
    """A worker whose model has vLLM's layer of experts; nothing of it is run, so that none is initialised."""
    manager = ExactModelManager.__new__(ExactModelManager)
    manager.modules = {EXPERTS: FusedMoEWithLoRA.__new__(FusedMoEWithLoRA)}
    manager.packed_modules = {EXPERTS: PARTS}
    worker = ExactWorkerManager.__new__(ExactWorkerManager)
    worker._adapter_manager = manager
    return worker


@pytest.mark.parametrize("name", [EXPERTS, *PARTS])
@pytest.mark.parametrize("magnitude", [None, torch.ones(4)], ids=["lora", "dora"])
def test_adapter_of_an_expert_is_refused_by_name(worker, name, magnitude):
    module = ModuleAdapter(torch.ones(2, 8), torch.ones(4, 2), 1.0, magnitude)
    with pytest.raises(PackageRejected, match=rf"{name}: .*experts \(MoE\) take no adapter") as refused:
        worker._check_shape(name, name, module)
    assert refused.value.rule == "target"


def test_no_layer_of_experts_is_made_exact():
    assert not any(issubclass(made, FusedMoEWithLoRA) for made in (*GROUPED_LAYERS.values(), *STACKED_LAYERS.values()))
