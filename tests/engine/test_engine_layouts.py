"""A BitNet in each layout that Hugging Face has of 2B-4T is the same model in a running engine, with a DoRA too."""

from __future__ import annotations

import json

import pytest
import torch
from engine_models import Made, save_package
from safetensors.torch import save_file

from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.models.checkpoint import read_checkpoint
from r3mes_ray.models.pack import pack_codes
from r3mes_ray.vllm_plugin import adapter_request

vllm = pytest.importorskip("vllm")

SCHEMES = {
    "bitlinear": {"quant_method": "bitnet", "linear_class": "bitlinear"},
    "online": {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"},
    "none": None,
}
SAME = 2e-5


def tensors(layout, weight):
    """A linear layer's tensors; latent weights are such that rounding gives the codes and the scale again."""
    if layout == "bitlinear":
        return {".weight": pack_codes(weight.codes), ".weight_scale": torch.tensor([1 / weight.scale])}
    latent = torch.where(weight.codes == 0, 0.2, 1.0) * torch.where(weight.codes < 0, -1.0, 1.0)
    return {".weight": latent / latent.abs().mean() * weight.scale}


def write_model(folder, layout):
    """The shipped model in another layout."""
    shipped, source = read_checkpoint(shipped_path("tiny")), shipped_path("tiny", "config.json")
    folder.mkdir()
    linear = {
        name + ending: tensor.contiguous()
        for name, weight in shipped.ternary.items()
        for ending, tensor in tensors(layout, weight).items()
    }
    save_file(linear | dict(shipped.others), folder / "model.safetensors")
    config = json.loads(source.read_text()) | {"quantization_config": SCHEMES[layout]}
    (folder / "config.json").write_text(
        json.dumps({name: value for name, value in config.items() if value is not None})
    )
    return folder


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A DoRA that names no base: a layout is another file, and a manifest would be of the first."""
    folder = tmp_path_factory.mktemp("adapter") / "dora"
    save_package(load_base("tiny"), folder, 3, 4, dora=True)
    (folder / "r3mes.json").unlink()
    return Made("dora", 1, folder, True)


def answers(started, folder, adapter):
    """(tokens, log-probabilities) of the base and of the adapter, in one batch."""
    llm = started(folder)
    sampling = vllm.SamplingParams(temperature=0, max_tokens=8, ignore_eos=True, detokenize=False, logprobs=1)
    requests = [None, adapter_request(adapter.name, adapter.number, adapter.folder)]
    llm.llm_engine.add_lora(requests[1])
    prompts = [{"prompt_token_ids": list(range(20, 32))}] * 2
    outputs = [one.outputs[0] for one in llm.generate(prompts, sampling, lora_request=requests, use_tqdm=False)]
    tokens = [list(one.token_ids) for one in outputs]
    return tokens, [
        place[token].logprob for one in outputs for token, place in zip(one.token_ids, one.logprobs, strict=True)
    ]


@pytest.fixture(scope="module")
def packed(started, adapter):
    """What the shipped layout, packed, answers."""
    return answers(started, shipped_path("tiny"), adapter)


@pytest.mark.parametrize("layout", SCHEMES)
def test_layout_of_hugging_face_answers_as_the_packed_one(layout, started, packed, adapter, tmp_path):
    tokens, chances = answers(started, write_model(tmp_path / layout, layout), adapter)
    assert tokens == packed[0]
    assert tokens[0] != tokens[1]
    assert chances == pytest.approx(packed[1], abs=SAME)
