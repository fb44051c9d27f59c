"""`r3mes serve --engine vllm` as its user meets it: a question, a DoRA expert beside the base, and JSON by schema."""

import json
from importlib.util import find_spec

import httpx
import pytest
from engine_models import save_package

from r3mes_ray.models.base import load_base
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.types import AdapterId

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")]


@pytest.fixture
def home(tmp_path, new_home, r3mes):
    """Of a node that served `optics` in version 1 when it last ran."""
    home, base = new_home(tmp_path / "home", serving={"request_timeout_s": 120}), load_base("tiny", threads=1)
    save_package(base, tmp_path / "package", 5, 4, of="o_proj", dora=True, expert="optics")
    code, published, said = r3mes("adapter", "publish", tmp_path / "package", "--home", home)
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
