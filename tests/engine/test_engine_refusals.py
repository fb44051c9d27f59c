"""What a running engine refuses, by name, while it goes on serving; and the check at its start."""

from __future__ import annotations

import pytest
import torch
from engine_models import save_package, save_peft
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from vllm.config import CompilationMode
from vllm.exceptions import LoRAAdapterNotFoundError

from r3mes_ray.errors import PackageRejected, SelfCheckFailed
from r3mes_ray.models.base import load_base
from r3mes_ray.vllm_plugin import adapter_request
from r3mes_ray.vllm_plugin.layers import GroupedLayer
from r3mes_ray.vllm_plugin.plan import make_plan
from r3mes_ray.vllm_plugin.self_check import check_layers
from r3mes_ray.vllm_plugin.slots import SlotBank

# Refusals are the same on every model: one engine is enough.
pytestmark = pytest.mark.parametrize("case", ["llama"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def llama(case):
    return case


@pytest.fixture
def manager(llama):
    """The worker's manager with empty slots, as a worker checks it."""
    worker = llama.llm.llm_engine.engine_core.engine_core.model_executor.driver_worker.worker
    manager = worker.model_runner.lora_manager._adapter_manager
    manager.remove_all_adapters()
    for layer in manager.modules.values():
        for slot in range(manager.lora_slots):
            layer.reset_lora(slot)
    return manager


def changed(llama, folder, rename=lambda name: name, tensor=lambda name, tensor: tensor):
    """A copy of a DoRA of the case with other tensors."""
    source = next(made for made in llama.adapters if made.dora).folder
    folder.mkdir()
    tensors = {
        rename(name): tensor(name, found) for name, found in load_file(source / "adapter_model.safetensors").items()
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_bytes((source / "adapter_config.json").read_bytes())
    return folder


@pytest.fixture
def bad(llama, tmp_path, request):
    folder = tmp_path / "bad"
    kind = request.param
    if kind == "base":
        save_package(load_base("tiny"), folder, 1, 2, dora=True, layers=1)
    elif kind in ("embed_tokens", "lm_head"):
        model = AutoModelForCausalLM.from_pretrained(llama.llm.llm_engine.model_config.model)
        save_peft(model, folder, 1, 4, dora=True, target_modules=["q_proj", kind])
    elif kind == "lm_head alone":
        changed(llama, folder, rename=lambda name: name.replace("model.layers.0.self_attn.q_proj", "lm_head"))
    elif kind == "shape":
        changed(llama, folder, tensor=lambda name, found: found[:, :64].contiguous() if "lora_A" in name else found)
    return folder


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("base", "rule base"),
        ("embed_tokens", r"rule target: model\.embed_tokens: .*embeddings, lm_head and experts \(MoE\) take no"),
        ("lm_head", r"rule target: lm_head: .*embeddings, lm_head and experts \(MoE\) take no"),
        ("lm_head alone", r"rule target: lm_head: .*embeddings, lm_head and experts \(MoE\) take no"),
        ("shape", "rule shape"),
        ("missing", "No adapter found"),
    ],
    indirect=["bad"],
)
def test_bad_adapter_is_refused_by_name_and_the_engine_goes_on(llama, bad, expected):
    with pytest.raises((PackageRejected, LoRAAdapterNotFoundError), match=expected):
        llama.llm.llm_engine.add_lora(adapter_request("bad", 900, bad))
    assert 900 not in llama.llm.llm_engine.list_loras()
    good = next(made for made in llama.adapters if made.dora)
    prompt = llama.prompt(1, 5)
    (output,) = llama.generate([(prompt, good)], 1)
    assert output.token_ids[0] == int(llama.oracle.logprobs(good, prompt)[-1].argmax())


@pytest.fixture
def config(llama):
    return llama.llm.llm_engine.vllm_config


@pytest.fixture
def compiled(config, monkeypatch):
    """As of an engine that compiles its model; vLLM does so with adapters on CUDA alone."""
    assert config.compilation_config.mode == CompilationMode.NONE
    monkeypatch.setattr(config.compilation_config, "mode", CompilationMode.DYNAMO_TRACE_ONCE)


def test_self_check_passes_and_leaves_no_canary(manager, config):
    check_layers(manager, config)
    assert all(layer.bank.gains is None for layer in manager.modules.values())


def test_self_check_finds_gains_that_are_ignored(manager, config, monkeypatch):
    monkeypatch.setattr(SlotBank, "scale", lambda self, slot, gains: None)
    with pytest.raises(SelfCheckFailed, match="DoRA's row"):
        check_layers(manager, config)


def test_self_check_finds_a_base_row_with_an_adapter(manager, config, monkeypatch):
    def everybody(self, y, x):
        self.bank.apply(y, x, make_plan([0] * len(y)))

    monkeypatch.setattr(GroupedLayer, "apply_adapters", everybody)
    with pytest.raises(SelfCheckFailed, match="of a mixed batch is off"):
        check_layers(manager, config)


def test_self_check_finds_a_layer_that_the_model_does_not_call(manager, config, monkeypatch):
    attention = manager.model.model.layers[1].self_attn
    monkeypatch.setitem(attention._modules, "o_proj", attention.o_proj.base_layer)
    with pytest.raises(SelfCheckFailed, match=r"layers\.1\.self_attn\.o_proj.*another layer"):
        check_layers(manager, config)


def test_self_check_of_a_compiled_engine_goes_through_the_operation_of_its_graph(
    manager, config, compiled, monkeypatch
):
    check_layers(manager, config)
    torch.compiler.reset()
    monkeypatch.setattr(GroupedLayer, "adapt", lambda self, y, x: self.apply_adapters(y, x) if eager() else None)
    with pytest.raises(SelfCheckFailed, match="of a mixed batch is off"):
        check_layers(manager, config)


def eager():
    return not torch.compiler.is_compiling()
