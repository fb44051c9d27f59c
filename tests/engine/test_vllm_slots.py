"""Making an adapter ready for vLLM, without an engine: what it leaves on disk."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from engine_models import package_of

from r3mes_ray.models.base import SHIPPED, load_base, shipped_path
from r3mes_ray.models.gains import DEFAULT_BYTES, GainCache
from r3mes_ray.serving.inference.vllm_base import served_base
from r3mes_ray.serving.inference.vllm_slots import EngineSide, VllmSlots
from r3mes_ray.vllm_plugin.base_weights import BaseWeights


@pytest.mark.parametrize(("max_bytes", "files"), [(DEFAULT_BYTES, 1), (1, 0)], ids=["within", "above"])
def test_adapter_that_is_prepared_and_never_placed_leaves_gains_within_the_budget(tmp_path, max_bytes, files):
    base, weights = load_base("tiny", threads=1), BaseWeights(shipped_path(SHIPPED))
    layer = next(name for name in base.linear_shapes if name.endswith("o_proj"))
    package = package_of({layer: base.effective_weight(layer)}, base.base_id, base.base_hash, 1, 2, dora=True)
    gains = GainCache(base.base_hash, tmp_path, max_bytes)
    side = EngineSide(served_base(shipped_path(SHIPPED), weights), weights.weight, gains, torch.float32, max_rank=8)
    # No engine: preparing is to do without one.
    prepared = VllmSlots(None, side).prepare(package)
    assert prepared.name == f"e@1-{package.manifest.gradient_hash}"
    assert prepared.content.layers[layer].gain is not None
    expected = [f"{package.manifest.gradient_hash}-{base.base_hash}.safetensors"] * files
    assert [path.name for path in tmp_path.iterdir()] == expected
