"""The serving application on a real Ray: answers, versions that change under requests, failures, cancellation."""

import asyncio
import json
import threading
import time
from concurrent import futures

import grpc
import httpx
import pytest
import torch

from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.models.base import load_base
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import parse_settings
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1 import types_pb2 as types

pytestmark = pytest.mark.ray

LONG = {"max_tokens": 900, "temperature": 2.0, "seed": 3}


class FakeChain:
    """A node that knows two queries: the latest block and the experts."""

    def __init__(self):
        self.experts = {}
        self.address = None
        self._server = None

    def start(self):
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "cosmos.base.tendermint.v1beta1.Service",
                    {"GetLatestBlock": self._method(tendermint.GetLatestBlockRequest, self._block)},
                ),
                grpc.method_handlers_generic_handler(
                    "r3mes.v1.Query", {"Experts": self._method(ours.QueryExpertsRequest, self._experts)}
                ),
            )
        )
        port = self._server.add_insecure_port(self.address or "127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"
        self._server.start()

    def stop(self):
        self._server.stop(None).wait()

    def finalise(self, expert, cid, base_hash, description=""):
        """The expert's next version."""
        record = self.experts.setdefault(
            expert,
            types.Expert(
                name=expert, owner="remes1o", base_model="tiny", base_hash=base_hash, description_cid=description
            ),
        )
        if cid is not None:
            record.version += 1
            record.history.append(types.ExpertVersion(version=record.version, adapter_cid=cid))

    @staticmethod
    def _method(request, answer):
        return grpc.unary_unary_rpc_method_handler(
            lambda message, context: answer(), request.FromString, lambda message: message.SerializeToString()
        )

    @staticmethod
    def _block():
        answer = tendermint.GetLatestBlockResponse()
        answer.block.header.chain_id = "remes-test"
        return answer

    def _experts(self):
        return ours.QueryExpertsResponse(experts=list(self.experts.values()))


class Node:
    """The application under test, its chain, and how to publish to both."""

    def __init__(self, home, chain):
        self.chain, self.home = chain, home
        self.base = load_base("tiny", threads=1)
        documents = home / "documents"
        documents.mkdir()
        (documents / "optics.txt").write_text("Light in a prism is refracted, and each colour by its own angle.")
        self.settings = parse_settings(
            {
                "home": home,
                "chain": {"grpc_address": chain.address},
                "serving": {
                    "port": 0,
                    "max_running_requests": 2,
                    "max_queued_requests": 2,
                    "follow_interval_s": 0.2,
                    "routing": {"embedder": "hashing"},
                    "retrieval": {"documents": documents},
                },
            }
        )
        self.store = open_store(self.settings)
        self.url = None

    def publish(self, expert, version, *, named=None):
        """Add a package to the store, for `expert@version`; `named` writes another expert into it."""
        generator = torch.Generator().manual_seed(version)
        modules = {}
        for name, (rows, columns) in self.base.linear_shapes.items():
            a = torch.randn(4, columns, generator=generator) * 0.2
            b = torch.randn(rows, 4, generator=generator) * 0.1
            modules[name] = ModuleAdapter(a, b, 2.0, self.base.effective_weight(name).norm(dim=1))
        targets = tuple(sorted({name.rpartition(".")[2] for name in modules}))
        config = AdapterConfig("LORA", 4, 8, False, True, targets, {}, {}, self.base.base_hash)
        package = make_package(
            config,
            tensors_of(modules),
            base_id=self.base.base_id,
            expert=named or expert,
            version=version,
            origin=UpdateOrigin("remes1miner", 0),
        )
        folder = self.home / f"package-{expert}-{version}"
        write_package(package, folder)
        return asyncio.run(self.store.add(folder))

    def describe(self, **fields):
        path = self.home / "description.json"
        path.write_text(json.dumps(fields))
        return asyncio.run(self.store.add(path))

    def ask(self, question="What is light in a prism?", **fields):
        body = {"model": "auto", "messages": [{"role": "user", "content": question}], "max_tokens": 8, "temperature": 0}
        return httpx.post(f"{self.url}/v1/chat/completions", json=body | fields, timeout=60)

    def stream(self, client, question="light", **fields):
        body = {"model": "auto", "messages": [{"role": "user", "content": question}], "stream": True}
        return client.stream("POST", f"{self.url}/v1/chat/completions", json=body | fields, timeout=60)

    def until(self, condition, what, timeout_s=30.0):
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
            time.sleep(0.05)

    def models(self):
        return {model["id"] for model in httpx.get(f"{self.url}/v1/models", timeout=20).json()["data"]}

    def parts(self):
        return {part["name"]: part for part in httpx.get(f"{self.url}/ready", timeout=20).json()["parts"]}

    def running(self):
        text = httpx.get(f"{self.url}/metrics", timeout=20).text
        return float(text.partition('r3mes_engine{state="running"} ')[2].partition("\n")[0])


@pytest.fixture(scope="module")
def node(ray_cluster, tmp_path_factory):
    from r3mes_ray.serving.app import deploy, undeploy

    chain = FakeChain()
    chain.start()
    node = Node(tmp_path_factory.mktemp("home"), chain)
    description = node.describe(description="Light, prisms and colours", keywords=["prism", "light"], examples=[])
    chain.finalise("optics", node.publish("optics", 1), node.base.base_hash, description)
    chain.finalise("legal", None, node.base.base_hash)
    try:
        node.url = deploy(node.settings)
        yield node
    finally:
        undeploy()
        chain.stop()


def test_answer_names_route_version_and_passages(node):
    body = node.ask().json()
    record = body["r3mes"]
    assert (record["expert"], record["version"], record["route"]["how"]) == ("optics", 1, "fusion")
    assert record["adapter_cid"] == node.chain.experts["optics"].history[0].adapter_cid
    assert record["model_version"] == f"{node.base.base_id}/optics@1"
    assert [passage["document"] for passage in record["passages"]] == ["optics.txt"]
    assert body["usage"]["completion_tokens"] <= 8


def test_models_and_parts_are_listed(node):
    assert {"auto", "base", "optics", "optics@1", "legal"} <= node.models()
    parts = node.parts()
    assert all(parts[name]["ok"] for name in ("engine", "index", "chain"))


def test_adapter_changes_the_answer_and_the_base_stays_the_base(node):
    texts = {
        model: node.ask(model=model, max_tokens=24).json()["choices"][0]["message"]["content"]
        for model in ("base", "optics", "optics@0", "legal")
    }
    assert texts["base"] == texts["optics@0"] == texts["legal"] != texts["optics"]


def test_unknown_model_and_long_prompt_keep_their_errors_across_ray(node):
    unknown, long = node.ask(model="weather"), node.ask("light " * 3000)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert (long.status_code, long.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert "\n" not in long.json()["error"]["message"], "no traceback is shown to a client"


def test_disconnected_client_frees_its_place_within_a_second(node):
    with httpx.Client() as client, node.stream(client, model="base", **LONG) as response:
        lines = response.iter_lines()
        next(lines)
        node.until(lambda: node.running() == 1.0, "the request runs")
    left = time.monotonic()
    node.until(lambda: node.running() == 0.0, "the place is free", timeout_s=5.0)
    assert time.monotonic() - left < 3.0, "one second, and what a busy machine adds"


def test_more_requests_than_may_wait_are_told_to_retry(node):
    with futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(node.ask, model="base", **LONG | {"max_tokens": 200}) for _ in range(8)]
        answers = [future.result() for future in asked]
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] * 4 + [429] * 4
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "queue_full"


def test_new_version_is_served_without_failing_a_running_request(node):
    ended, begun = {}, threading.Event()

    def run_long():
        with httpx.Client() as client, node.stream(client, model="optics", **LONG) as response:
            for line in response.iter_lines():
                begun.set()
                if line.startswith("data: {"):
                    ended.update(json.loads(line.removeprefix("data: ")).get("r3mes") or {})

    running = threading.Thread(target=run_long)
    running.start()
    assert begun.wait(30)
    node.chain.finalise("optics", node.publish("optics", 2), node.base.base_hash)
    node.until(lambda: "optics@2" in node.models(), "version 2 is listed")
    record = node.ask().json()["r3mes"]
    assert (record["version"], record["adapter_cid"]) == (2, node.chain.experts["optics"].history[1].adapter_cid)
    assert running.is_alive(), "the long request was to overlap the switch"
    running.join(60)
    assert (ended["version"], ended["expert"]) == (1, "optics")
    assert node.ask(model="optics@1").json()["r3mes"]["version"] == 1


def test_version_that_fails_its_check_never_replaces_a_good_one(node):
    current = node.ask().json()["r3mes"]["version"]
    node.chain.finalise("optics", node.publish("optics", 3, named="another"), node.base.base_hash)
    node.until(lambda: "expert optics@3" in node.parts(), "the refusal is told")
    assert "the package is another@3" in node.parts()["expert optics@3"]["detail"]
    assert node.ask().json()["r3mes"]["version"] == current


def test_chain_that_is_gone_leaves_serving_as_it_is(node):
    node.chain.stop()
    try:
        node.until(lambda: not node.parts()["chain"]["ok"], "the loss is told")
        assert httpx.get(f"{node.url}/ready", timeout=20).status_code == 200
        assert node.ask().json()["r3mes"]["expert"] == "optics"
    finally:
        node.chain.start()
    node.until(lambda: node.parts()["chain"]["ok"], "the chain is followed again")
