"""The serving application on a real Ray: answers, versions that change under requests, failures, cancellation."""

import json
import threading
import time
from concurrent import futures

import httpx
import pytest

pytestmark = pytest.mark.ray

LONG = {"max_tokens": 900, "temperature": 2.0, "seed": 3}


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
    guided = node.ask(response_format={"type": "json_object"})
    assert (guided.status_code, guided.json()["error"]["param"]) == (400, "response_format")
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
    node.finalise("optics", node.publish("optics", 2))
    node.until(lambda: "optics@2" in node.models(), "version 2 is listed")
    record = node.ask().json()["r3mes"]
    assert (record["version"], record["adapter_cid"]) == (2, node.chain.experts["optics"].history[1].adapter_cid)
    assert running.is_alive(), "the long request was to overlap the switch"
    running.join(60)
    assert (ended["version"], ended["expert"]) == (1, "optics")
    assert node.ask(model="optics@1").json()["r3mes"]["version"] == 1


def test_chain_that_is_gone_leaves_serving_as_it_is(node):
    node.chain.stop()
    try:
        node.until(lambda: not node.parts()["chain"]["ok"], "the loss is told")
        assert httpx.get(f"{node.url}/ready", timeout=20).status_code == 200
        assert node.ask().json()["r3mes"]["expert"] == "optics"
    finally:
        node.chain.start()
    node.until(lambda: node.parts()["chain"]["ok"], "the chain is followed again")
