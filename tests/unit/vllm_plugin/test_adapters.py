"""Reading adapters and computing gains, without an engine; PEFT is the oracle of a gain."""

from __future__ import annotations

import json

import pytest
import torch

pytest.importorskip("vllm")

from engine_models import save_package, save_peft, save_plain
from peft import PeftModel
from safetensors.torch import load_file, save_file

from r3mes_ray.errors import ModelError, PackageRejected
from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.models.gains import GainCache
from r3mes_ray.vllm_plugin.adapter_files import read_adapter
from r3mes_ray.vllm_plugin.base_weights import BaseWeights

TENSORS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    model = save_plain("qwen2", folder / "base")
    save_peft(model, folder / "dora", 2, 4, dora=True)
    return folder, model


@pytest.fixture
def dora(plain, tmp_path):
    """A copy of the adapter that a test may change."""
    folder = tmp_path / "dora"
    folder.mkdir()
    for path in (plain[0] / "dora").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def gains_of(base, adapter):
    weights = BaseWeights(base)
    return GainCache(weights.base_hash).of(adapter.identity, adapter.modules, weights.weight)


def test_gains_of_a_peft_adapter_equal_pefts_own_factor(plain):
    folder, model = plain
    gains = gains_of(folder / "base", read_adapter(folder / "dora", None))
    adapted = PeftModel.from_pretrained(model, folder / "dora")
    for name, gain in gains.items():
        layer = adapted.base_model.model.get_submodule(name)
        low, high = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        dense = layer.get_base_layer().weight + layer.scaling["default"] * high @ low
        expected = layer.lora_magnitude_vector["default"].weight / dense.norm(dim=1)
        torch.testing.assert_close(gain.float(), expected.detach(), rtol=1e-5, atol=1e-6)
    assert len(gains) == 14
    adapted.unload()


def test_gains_of_a_quantised_base_are_refused(plain, tmp_path):
    folder, _ = plain
    config = json.loads((folder / "base" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))
    (tmp_path / "model.safetensors").write_bytes((folder / "base" / "model.safetensors").read_bytes())
    with pytest.raises(ModelError, match="gptq"):
        gains_of(tmp_path, read_adapter(folder / "dora", None))


def test_package_of_ours_is_read_with_its_base_and_gradient_hash(tmp_path):
    base = load_base("tiny")
    save_package(base, tmp_path / "own", 1, 3, dora=True, layers=2)
    adapter = read_adapter(tmp_path / "own", None)
    assert (adapter.base_hash, adapter.dora, len(adapter.modules)) == (base.base_hash, True, 2)
    gains = gains_of(shipped_path("tiny"), adapter)
    for gain in gains.values():
        assert float((gain - 1).abs().max()) > 0.1
        assert (gain.min() >= 0.49, gain.max() <= 1.51) == (True, True)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda tensors, some: tensors.pop(some + ".lora_magnitude_vector"), "tensors"),
        (lambda tensors, some: tensors.pop(some + ".lora_B.weight"), "tensors"),
        (lambda tensors, some: tensors[some + ".lora_A.weight"].fill_(float("nan")), "finite"),
        (lambda tensors, some: tensors.update({some + ".lora_A.weight": torch.ones(3, 128)}), "shape"),
        (lambda tensors, some: tensors.update({some + ".lora_A.weight": torch.ones(4, 128, 1)}), "shape"),
        (lambda tensors, some: tensors.update({some + ".lora_B.weight": torch.ones(4)}), "shape"),
        (lambda tensors, some: tensors.update({some + ".lora_B.weight": torch.ones(128, 5)}), "shape"),
        (lambda tensors, some: tensors.update({some + ".lora_magnitude_vector": torch.ones(1)}), "shape"),
        (lambda tensors, some: tensors.update({some + ".lora_magnitude_vector": torch.ones(129)}), "shape"),
        (lambda tensors, some: tensors[some + ".lora_magnitude_vector"][5].fill_(0.0), "magnitude"),
        (lambda tensors, some: tensors[some + ".lora_magnitude_vector"][5].fill_(-1.0), "magnitude"),
        (lambda tensors, some: tensors[some + ".lora_magnitude_vector"][5].fill_(float("inf")), "finite"),
        (lambda tensors, some: tensors[some + ".lora_B.weight"][5].fill_(float("-inf")), "finite"),
        (lambda tensors, some: tensors.update({some + ".lora_A.weight": torch.ones(4, 128).int()}), "dtype"),
        (lambda tensors, some: tensors.update({some + ".lora_B.weight": torch.ones(128, 4).bool()}), "dtype"),
        (lambda tensors, some: tensors.update({some + ".lora_magnitude_vector": torch.ones(128).long()}), "dtype"),
        (lambda tensors, some: tensors.update({"base_model.model.lm_head.weight": torch.ones(3)}), "tensors"),
    ],
    ids=[
        "no magnitude",
        "no B",
        "nan",
        "rank",
        "A of three dimensions",
        "B of one dimension",
        "B of another rank",
        "one magnitude for all rows",
        "a magnitude too many",
        "magnitude of zero",
        "magnitude below zero",
        "infinite magnitude",
        "infinite B",
        "integers in A",
        "truth values in B",
        "integers in magnitude",
        "whole matrix",
    ],
)
def test_adapter_that_does_not_fit_together_is_refused(dora, change, rule):
    tensors = load_file(dora / TENSORS)
    change(tensors, "base_model.model.model.layers.0.self_attn.q_proj")
    save_file(tensors, dora / TENSORS)
    with pytest.raises(PackageRejected) as refused:
        read_adapter(dora, None)
    assert refused.value.rule == rule


def test_adapter_cut_off_or_missing_is_refused(dora):
    (dora / TENSORS).write_bytes((dora / TENSORS).read_bytes()[:-9])
    with pytest.raises(PackageRejected, match="safetensors"):
        read_adapter(dora, None)
    with pytest.raises(FileNotFoundError):
        read_adapter(dora / "none", None)


@pytest.mark.parametrize(("name", "size"), [(TENSORS, (1 << 32) + 1), ("adapter_config.json", (1 << 20) + 1)])
def test_file_above_the_limit_is_refused_before_it_is_read(dora, name, size):
    with (dora / name).open("r+b") as file:
        file.truncate(size)
    with pytest.raises(PackageRejected, match="larger than") as refused:
        read_adapter(dora, None)
    assert (refused.value.rule, refused.value.subject) == ("size", name)
