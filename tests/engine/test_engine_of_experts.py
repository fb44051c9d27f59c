"""A running MoE: adapters of its experts are refused by name; `test_engine_equals_peft.py` shows the others."""

from __future__ import annotations

import pytest
from engine_models import Made, save_peft
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from r3mes_ray.errors import PackageRejected

pytestmark = pytest.mark.parametrize("case", ["qwen2-moe"], indirect=True, scope="module")
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")


def refused(case, made):
    """What the engine says to an adapter that it does not take."""
    with pytest.raises(PackageRejected, match=r"experts \(MoE\) take no adapter") as raised:
        case.llm.llm_engine.add_lora(case.request(made))
    assert made.number not in case.llm.llm_engine.list_loras()
    assert raised.value.rule == "target"
    return raised.value.subject


@pytest.fixture
def goes_on(case):
    """Shows that the engine serves as before: the base, and a DoRA of its other layers."""
    yield
    good, prompt = case.adapters[-1], case.prompt(1, 5)
    for made, output in zip((None, good), case.generate([(prompt, None), (prompt, good)], 1), strict=True):
        assert output.token_ids[0] == int(case.oracle.logprobs(made, prompt)[-1].argmax())


@pytest.mark.parametrize("dora", [False, True], ids=["lora", "dora"])
@pytest.mark.usefixtures("goes_on")
def test_adapter_of_a_single_experts_matrices_is_refused_by_name(case, dora, tmp_path):
    source = next(made for made in case.adapters if made.dora is dora).folder
    tensors = load_file(source / "adapter_model.safetensors")
    save_file(
        {
            name.replace("layers.1.mlp.shared_expert.", "layers.1.mlp.experts.2."): found
            for name, found in tensors.items()
        },
        tmp_path / "adapter_model.safetensors",
    )
    (tmp_path / "adapter_config.json").write_bytes((source / "adapter_config.json").read_bytes())
    assert refused(case, Made("bad", 900, tmp_path, dora)) == "model.layers.1.mlp.experts.2.down_proj"


@pytest.mark.parametrize("parameters", [EXPERTS, EXPERTS[:1], EXPERTS[1:]], ids=["both", "gate and up", "down"])
@pytest.mark.usefixtures("goes_on")
def test_pefts_own_lora_of_all_experts_is_refused_by_name(case, parameters, tmp_path):
    # PEFT itself makes no DoRA of them.
    model = AutoModelForCausalLM.from_pretrained(case.llm.llm_engine.model_config.model)
    save_peft(model, tmp_path, 1, 4, dora=False, target_modules=["q_proj"], target_parameters=list(parameters))
    assert refused(case, Made("bad", 901, tmp_path, False)) == parameters[0]
