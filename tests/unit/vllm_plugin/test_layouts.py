"""The three layouts of BitNet-2B-4T on Hugging Face give the engine the same codes and scales."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("vllm")

from safetensors.torch import load_file, save_file

from r3mes_ray.errors import ConfigError
from r3mes_ray.models.base import shipped_path
from r3mes_ray.models.checkpoint import read_checkpoint
from r3mes_ray.models.pack import pack_codes
from r3mes_ray.settings import parse_settings
from r3mes_ray.vllm_plugin.base_weights import BaseWeights
from r3mes_ray.vllm_plugin.bitnet_model import BitNetForCausalLM
from r3mes_ray.vllm_plugin.bitnet_quantization import BitNetQuantization

SCHEMES = {
    "offline": {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"},
    "bitlinear": {"quant_method": "bitnet", "linear_class": "bitlinear"},
    "online": {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"},
    "none": {},
}
LINEAR = "model.layers.0.mlp.down_proj"


@pytest.fixture(scope="module")
def shipped():
    return read_checkpoint(shipped_path("tiny"))


def tensors(layout, weight):
    if layout == "offline":
        return {".weight": pack_codes(weight.codes), ".weight_scale": torch.tensor([weight.scale])}
    if layout == "bitlinear":
        return {".weight": pack_codes(weight.codes), ".weight_scale": torch.tensor([1 / weight.scale])}
    # Latent weights with the codes' signs, whose mean magnitude is the scale again.
    latent = torch.where(weight.codes == 0, 0.2, 1.0) * torch.where(weight.codes < 0, -1.0, 1.0)
    return {".weight": latent / latent.abs().mean() * weight.scale}


def stream(scheme, found):
    model = SimpleNamespace(
        config=read_checkpoint(shipped_path("tiny")).config,
        _scheme=scheme,
        _dtype=torch.float32,
    )
    return dict(BitNetForCausalLM._codes(model, found))


@pytest.mark.parametrize("layout", SCHEMES)
@pytest.mark.parametrize("turned", [False, True], ids=["weight first", "scale first"])
def test_model_reads_codes_and_scales_of_a_layout(shipped, layout, turned):
    weight = shipped.ternary[LINEAR]
    parts = list(tensors(layout, weight).items())
    found = stream(SCHEMES[layout], [(LINEAR + ending, part) for ending, part in (parts[::-1] if turned else parts)])
    assert torch.equal(found[f"{LINEAR}.weight"], weight.codes.float())
    scales = found[f"{LINEAR}.weight_scale"]
    assert scales.shape == (len(weight.codes),)
    torch.testing.assert_close(scales, torch.full_like(scales, weight.scale), rtol=1e-5, atol=0)


def test_model_passes_other_tensors_and_leaves_a_tied_head_out():
    norm, head = torch.ones(4), torch.ones(2, 2)
    assert list(stream({}, [("model.norm.weight", norm), ("lm_head.weight", head)])) == ["model.norm.weight"]


@pytest.mark.parametrize("layout", SCHEMES)
def test_base_weights_are_effective_in_every_layout(shipped, layout, tmp_path):
    source = shipped_path("tiny")
    config = json.loads((source / "config.json").read_text()) | {"quantization_config": SCHEMES[layout]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    others = load_file(source / "model.safetensors")
    own = {LINEAR + ending: part.contiguous() for ending, part in tensors(layout, shipped.ternary[LINEAR]).items()}
    kept = {name: tensor for name, tensor in others.items() if not name.startswith(LINEAR)}
    save_file(kept | own, tmp_path / "model.safetensors")
    found = BaseWeights(tmp_path).weight(LINEAR)
    torch.testing.assert_close(found, shipped.ternary[LINEAR].effective(), rtol=1e-5, atol=0)


def test_base_weights_have_the_hash_that_manifests_carry():
    from r3mes_ray.models.base import load_base

    assert BaseWeights(shipped_path("tiny")).base_hash == load_base("tiny").base_hash


def test_float16_is_refused_with_and_without_a_scheme():
    config = SimpleNamespace(model_config=SimpleNamespace(dtype=torch.float16), quant_config=None)
    with pytest.raises(ConfigError, match=r"overflow torch\.float16.*bfloat16"):
        BitNetForCausalLM(vllm_config=config)
    assert torch.float16 not in BitNetQuantization({}).get_supported_act_dtypes()
    with pytest.raises(ConfigError, match=r"dtype.*bfloat16"):
        parse_settings({"serving": {"engine": {"kind": "vllm", "dtype": "float16"}}})
