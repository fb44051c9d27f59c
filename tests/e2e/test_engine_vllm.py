"""`r3mes serve --engine vllm` as its user meets it: a question, a DoRA expert beside the base, and JSON by schema."""

import json
from importlib.util import find_spec

import httpx
import pytest
import torch

from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.models.base import load_base
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.types import AdapterId

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")]


def dora(base, folder):
    """A package on the attention's outputs of the shipped model."""
    generator = torch.Generator().manual_seed(5)
    modules = {}
    for name, (rows, columns) in base.linear_shapes.items():
        if name.endswith("o_proj"):
            a = torch.randn(4, columns, generator=generator) * 0.2
            b = torch.randn(rows, 4, generator=generator) * 0.2
            modules[name] = ModuleAdapter(a, b, 2.0, base.effective_weight(name).norm(dim=1) * 1.2)
    config = AdapterConfig("LORA", 4, 8, False, True, ("o_proj",), {}, {}, base.base_hash)
    origin = UpdateOrigin("remes1miner", 0)
    package = make_package(config, tensors_of(modules), base_id=base.base_id, expert="optics", version=1, origin=origin)
    write_package(package, folder)
    return folder


@pytest.fixture
def home(tmp_path, new_home, r3mes):
    """Of a node that served `optics` in version 1 when it last ran."""
    home, base = new_home(tmp_path / "home", serving={"request_timeout_s": 120}), load_base("tiny", threads=1)
    code, published, said = r3mes("adapter", "publish", dora(base, tmp_path / "package"), "--home", home)
    assert code == 0, said
    adapter = AdapterId("optics", 1, published["cid"])
    store = VersionStore(home / "serving" / "versions.json", base.base_hash)
    store.save([ServedExpert(adapter, (adapter,), 5, "light", finished=1)])
    return home


def test_serve_vllm_answers_as_expert_and_base_and_keeps_to_a_schema(home, process, r3mes):
    node = process("serve", "--engine", "vllm", "--port", "0", "--home", home, "--json")
    url = node.wait_json()["gateway"]

    code, answer, said = r3mes("chat", "The warranty", "--expert", "base", "--url", url, "--home", home)
    assert code == 0, said
    assert answer["model_version"] == "r3mes/tiny"

    def ask(**fields):
        body = {"messages": [{"role": "user", "content": "The warranty"}], "max_tokens": 40, "temperature": 0}
        return httpx.post(f"{url}/v1/chat/completions", json={"model": "base"} | body | fields, timeout=120)

    expert, base = ask(model="optics").json(), ask().json()
    assert (expert["r3mes"]["version"], base["r3mes"]["version"]) == (1, 0)
    assert expert["choices"][0]["message"]["content"] != base["choices"][0]["message"]["content"]

    schema = {"type": "object", "properties": {"count": {"type": "integer", "maximum": 99}}, "required": ["count"]}
    fields = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    guided = ask(response_format=fields).json()["choices"][0]
    assert guided["finish_reason"] == "stop"
    assert isinstance(json.loads(guided["message"]["content"])["count"], int)
    wrong = ask(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "odd"}}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "response_format")

    assert node.stop() == 0, node.text
