"""`r3mes adapter import` of what PEFT saved itself."""

import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from r3mes_ray.cli.main import execute
from r3mes_ray.models.adapters import read_package
from r3mes_ray.models.base import load_base
from r3mes_ray.vllm_plugin.base_weights import BaseWeights


def llama():
    torch.manual_seed(5)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0,
    ))  # fmt: skip


def trained(model, folder, **options):
    """An adapter with every factor set, as PEFT saves it."""
    config = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"], "task_type": "CAUSAL_LM"}
    peft = get_peft_model(model, LoraConfig(**config | options))
    generator = torch.Generator().manual_seed(6)
    for name, parameter in peft.named_parameters():
        if "lora_B" in name or "magnitude" in name:
            parameter.data = parameter.data + 0.1 * torch.rand(parameter.shape, generator=generator)
    peft.save_pretrained(folder)
    return peft


@pytest.fixture
def bring(tmp_path, capsys):
    def call(folder, *arguments, model=None):
        home = ["--home", str(tmp_path / "home"), "--json"]
        if model is not None:
            (tmp_path / "r3mes.yaml").write_text(json.dumps({"model": {"path": str(model)}}))
            home += ["--config", str(tmp_path / "r3mes.yaml")]
        code = execute(["adapter", "import", str(folder), *arguments, *home])
        body = json.loads(capsys.readouterr().out)
        if code == 0:
            exported = tmp_path / f"exported-{body['cid']}"
            assert execute(["adapter", "export", body["cid"], str(exported), *home]) == 0
            capsys.readouterr()
            return read_package(exported, max_bytes=2**30)
        return body["error"]

    return call


def delta(peft, path):
    """What the adapter adds to a layer, by PEFT's own sum."""
    return dict(peft.named_modules())[f"base_model.model.{path}"].get_delta_weight("default").detach()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dora": True},
        {"use_rslora": True, "rank_pattern": {"down_proj": 2}, "alpha_pattern": {"layers.1.self_attn.q_proj": 3}},
    ],
)
def test_adapter_of_peft_becomes_a_package_that_says_the_same(tmp_path, bring, options):
    model = llama()
    model.save_pretrained(tmp_path / "model")
    peft = trained(model, tmp_path / "peft", **options)
    package = bring(tmp_path / "peft", "--expert", "optics", "--version", "3", model=tmp_path / "model")
    assert (package.manifest.expert, package.manifest.version) == ("optics", 3)
    assert package.config.base_hash == BaseWeights(tmp_path / "model").base_hash
    modules = package.modules()
    assert len(modules) == 4
    saved = load_file(tmp_path / "peft" / "adapter_model.safetensors")
    for path, module in modules.items():
        torch.testing.assert_close(module.scale * module.b @ module.a, delta(peft, path))
        magnitude = saved.get(f"base_model.model.{path}.lora_magnitude_vector")
        assert (magnitude is None) == (module.magnitude is None)
        assert magnitude is None or torch.equal(magnitude, module.magnitude)


def test_adapter_of_peft_for_a_bitnet_is_bound_to_its_hash(tmp_path, bring):
    base = load_base("tiny", threads=1)
    trained(base.model, tmp_path / "peft", use_dora=True)
    package = bring(tmp_path / "peft", "--expert", "optics")
    assert (package.manifest.base_id, package.config.base_hash) == (base.base_id, base.base_hash)
    assert package.manifest.method == "dora"


def test_folder_needs_an_expert_where_it_names_none_and_no_other_where_it_does(tmp_path, bring):
    trained(llama(), tmp_path / "peft")
    assert "--expert" in bring(tmp_path / "peft")["message"]
    (tmp_path / "peft" / "r3mes.json").write_text("{}")
    assert "leave it out" in bring(tmp_path / "peft", "--expert", "optics")["message"]


def edited(folder, change):
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    name = next(name for name in sorted(tensors) if "lora_B" in name)
    tensors[name] = change(tensors[name])
    save_file(tensors, file)


BAD = {
    "finite": lambda folder: edited(folder, lambda b: b / 0),
    "shape": lambda folder: edited(folder, lambda b: torch.cat([b, b])),
    "config": lambda folder: configured(folder, bias="all"),
    "tensors": lambda folder: configured(folder, use_dora=True),
    "files": lambda folder: (folder / "adapter_model.safetensors").unlink(),
    "safetensors": lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"{}"),
}


def configured(folder, **fields):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.mark.parametrize("rule", BAD)
def test_adapter_of_peft_that_breaks_a_rule_is_refused_by_it(tmp_path, bring, rule):
    model = llama()
    model.save_pretrained(tmp_path / "model")
    trained(model, tmp_path / "peft")
    BAD[rule](tmp_path / "peft")
    error = bring(tmp_path / "peft", "--expert", "optics", model=tmp_path / "model")
    assert error["type"] == "PackageRejected"
    assert rule in error["message"]


def test_adapter_of_a_layer_that_the_base_lacks_is_refused(tmp_path, bring):
    trained(llama(), tmp_path / "peft")
    error = bring(tmp_path / "peft", "--expert", "optics")
    assert (error["type"], "rule" in error["message"]) == ("PackageRejected", True)
