"""A chain that knows two queries, and the serving application on it."""

import asyncio
import json
import time
from concurrent import futures

import grpc
import httpx
import pytest
from engine_models import package_for

from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import write_package
from r3mes_ray.models.base import load_base
from r3mes_ray.settings import parse_settings
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1 import types_pb2 as types


@pytest.fixture(scope="session")
def ray_cluster():
    """One real Ray cluster on this machine for the whole session."""
    import ray

    context = ray.init("local", num_cpus=4, namespace="r3mes", include_dashboard=False, log_to_driver=False)
    yield context
    ray.shutdown()


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

    def package(self, expert, version, *, rank=4, base_hash=None):
        """A DoRA on every layer, written to a folder of its own."""
        named = {"expert": expert, "version": version, "base_hash": base_hash}
        package = package_for(self.base, version, rank, dora=True, **named)
        folder = self.home / "packages" / f"{expert}-{version}"
        write_package(package, folder)
        return folder

    def add(self, folder):
        return asyncio.run(self.store.add(folder))

    def publish(self, expert, version, **options):
        """Add a package to the store, for `expert@version`."""
        return self.add(self.package(expert, version, **options))

    def finalise(self, expert, cid):
        """Its next version on chain; returns the number."""
        self.chain.finalise(expert, cid, self.base.base_hash)
        return self.chain.experts[expert].version

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
        return self._metric('r3mes_engine{state="running"}')

    def cached(self, figure):
        """Of the adapter caches, summed; `None` while no engine tells."""
        return self._metric(f'r3mes_adapter_cache{{figure="{figure}"}}')

    def _metric(self, name):
        text = httpx.get(f"{self.url}/metrics", timeout=20).text.partition(f"{name} ")[2].partition("\n")[0]
        return float(text) if text else None


@pytest.fixture(scope="module")
def node(ray_cluster, tmp_path_factory):
    """The application, with the expert `optics` in version 1 and `legal` without one."""
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
