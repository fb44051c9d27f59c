"""`r3mes serve` and the unmodified OpenAI client: whole and streamed answers, the model list, errors, and the end."""

import os
import re
import subprocess
import sys

import httpx
import openai
import pytest

pytestmark = pytest.mark.e2e

QUESTION = [{"role": "user", "content": "What happens to light in a prism?"}]


@pytest.fixture(scope="module")
def serving(process, new_home, tmp_path_factory):
    """A serving node without a chain, as a process: (home, the process, where it is)."""
    home = new_home(tmp_path_factory.mktemp("serving") / "home", serving={"max_running_requests": 1})
    node = process("serve", "--port", "0", "--home", home, "--json")
    return home, node, node.wait_json()


@pytest.fixture(scope="module")
def client(serving):
    return openai.OpenAI(base_url=f"{serving[2]['gateway']}/v1", api_key="unused", max_retries=0, timeout=60)


def test_model_list_has_router_and_base(client):
    assert [model.id for model in client.models.list()][:2] == ["auto", "base"]
    assert client.models.retrieve("base").owned_by == "r3mes"


def test_whole_answer_is_a_completion(client):
    answer = client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=6, temperature=0)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 0 < answer.usage.completion_tokens <= 6
    assert answer.r3mes["model_version"] == "r3mes/tiny"


def test_streamed_answer_has_the_same_text_and_usage(client):
    fields = {"model": "base", "messages": QUESTION, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**fields)
    chunks = list(client.chat.completions.create(**fields, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == whole.choices[0].finish_reason
    assert chunks[-2].r3mes["route"]["how"] == "requested"


def test_same_seed_gives_the_same_answer(client):
    fields = {"model": "base", "messages": QUESTION, "max_tokens": 12, "temperature": 1.0, "seed": 11}
    answers = {client.chat.completions.create(**fields).choices[0].message.content for _ in range(3)}
    assert len(answers) == 1


def test_errors_are_the_clients_own_exceptions(client):
    with pytest.raises(openai.NotFoundError, match="no model or expert 'weather'"):
        client.chat.completions.create(model="weather", messages=QUESTION)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="base", messages=QUESTION, temperature=9)
    assert caught.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="base", messages=[{"role": "user", "content": "light " * 5000}])
    assert caught.value.code == "context_length_exceeded"


def test_ready_says_that_the_chain_is_missing(serving):
    answer = httpx.get(f"{serving[2]['gateway']}/ready", timeout=20)
    assert answer.status_code == 200
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert parts["engine"]["ok"]
    assert not parts["chain"]["ok"]


def test_chat_command_asks_the_same_gateway(serving, r3mes):
    code, answer, _ = r3mes("chat", "hello", "--url", serving[2]["gateway"], "--max-tokens", "4")
    assert code == 0
    assert answer["route"]["how"] in ("fallback", "similarity", "fusion", "keyword")


def test_busy_port_is_refused_before_anything_starts(serving, r3mes):
    port = re.search(r":(\d+)$", serving[2]["gateway"]).group(1)
    code, refused, said = r3mes("serve", "--port", port, "--home", serving[0])
    assert (code, refused["error"]["type"]) == (1, "PortBusy")
    assert "starting" not in said


def test_interrupt_drains_and_ends_every_process(serving):
    _, node, where = serving
    script = (
        "import httpx,sys;"
        "b={'model':'base','messages':[{'role':'user','content':'light'}],'max_tokens':150,'temperature':2.0,'seed':3};"
        f"r=httpx.post('{where['gateway']}/v1/chat/completions',json=b,timeout=60);sys.exit(r.status_code!=200)"
    )
    running = subprocess.Popen([sys.executable, "-c", script], env=os.environ)
    metrics = f"{where['gateway']}/metrics"
    while 'r3mes_engine{state="running"} 1.0' not in httpx.get(metrics, timeout=20).text:
        assert running.poll() is None, "the request ended before the node was interrupted"
    assert node.stop() == 0, node.text
    assert running.wait(60) == 0, "a request in flight was not drained"
    with pytest.raises(httpx.ConnectError):
        httpx.get(metrics, timeout=5)
