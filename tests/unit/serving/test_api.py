import json

import httpx
import pytest

from r3mes_ray.errors import (
    ContentNotFound,
    DeadlineExceeded,
    ExpertNotFound,
    PackageRejected,
    PromptTooLong,
    QueueFull,
    ServingUnavailable,
)
from r3mes_ray.serving.api import MAX_BODY_BYTES, create_api
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import (
    AnswerEnd,
    AnswerRecord,
    AnswerText,
    Citation,
    Part,
    Route,
    ServedExpert,
    Timings,
)
from r3mes_ray.serving.routing import ExpertScore
from r3mes_ray.serving.target import Auto, Named
from r3mes_ray.types import AdapterId

RECORD = AnswerRecord(
    "tiny/optics@2",
    "optics",
    2,
    "cid2",
    Route("fusion", (ExpertScore("optics", 0.7, 0.5, 0.9),)),
    (Citation("o.txt", 3, 0.8),),
    Timings(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
)
END = AnswerEnd(("stop",), 7, 2, RECORD)


class FakeService:
    def __init__(self):
        self.events = [AnswerText("Li"), AnswerText("ght"), END]
        self.requests, self.closed = [], 0
        self.all_parts = [Part("engine", True, True, "1 of 1"), Part("chain", False, False, "down")]

    async def answer(self, request):
        self.requests.append(request)
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1

    async def experts(self):
        v1, v2 = AdapterId("optics", 1, "cid1"), AdapterId("optics", 2, "cid2")
        return [ServedExpert(v2, (v1, v2), 77, "light")]

    async def parts(self):
        return self.all_parts

    async def metrics(self):
        return b"r3mes_up 1\n"


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
async def client(service):
    transport = httpx.ASGITransport(create_api(service, clock=lambda: 1234.9))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def chat(**fields):
    return {"model": "auto", "messages": [{"role": "user", "content": "why?"}], **fields}


async def test_chat_whole_answer_has_text_usage_and_record(client, service):
    response = await client.post("/v1/chat/completions", json=chat())
    body = response.json()
    assert response.status_code == 200
    assert body["object"] == "chat.completion"
    assert (body["created"], body["model"]) == (1234, "auto")
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Light", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert body["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert body["r3mes"]["model_version"] == "tiny/optics@2"
    assert (body["r3mes"]["version"], body["r3mes"]["adapter_cid"]) == (2, "cid2")
    assert body["r3mes"]["route"]["how"] == "fusion"
    assert body["r3mes"]["passages"] == [{"document": "o.txt", "chunk": 3, "score": 0.8}]
    assert (service.requests[0].target, service.requests[0].messages) == (Auto(), (Message("user", "why?"),))
    assert service.closed == 1


def events_of(text):
    assert text.endswith("\n\n")
    return [block.removeprefix("data: ") for block in text.split("\n\n")[:-1]]


async def test_chat_stream_is_openai_chunks_with_the_record_last(client):
    fields = chat(stream=True, stream_options={"include_usage": True})
    response = await client.post("/v1/chat/completions", json=fields)
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, done = events_of(response.text)
    assert done == "[DONE]"
    chunks = [json.loads(chunk) for chunk in chunks]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert [delta["content"] for delta in deltas[1:]] == ["Li", "ght", None]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, None, None, "stop"]
    assert [chunk["r3mes"] is not None for chunk in chunks] == [False, False, False, True, False]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 9


async def test_chat_stream_without_usage_has_no_usage_chunk(client):
    response = await client.post("/v1/chat/completions", json=chat(stream=True))
    chunks = [json.loads(chunk) for chunk in events_of(response.text)[:-1]]
    assert [chunk["usage"] for chunk in chunks] == [None] * 4


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ExpertNotFound("x"), 404, "model_not_found"),
        (PromptTooLong(9, 5), 400, "context_length_exceeded"),
        (QueueFull(3), 429, "queue_full"),
        (DeadlineExceeded("generation", 3), 504, "deadline_exceeded"),
        (ServingUnavailable("the engine", "stopped"), 503, "unavailable"),
        (ContentNotFound("cid"), 503, "content_unavailable"),
        (PackageRejected("rank", "x", "y"), 503, "adapter_rejected"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_chat_error_before_the_first_text_has_its_status(client, service, error, status, code, stream):
    service.events = [error]
    response = await client.post("/v1/chat/completions", json=chat(stream=stream))
    assert response.status_code == status
    body = response.json()["error"]
    assert (body["code"], body["message"]) == (code, str(error))
    assert body.get("hint", "") == error.hint
    assert ("retry-after" in response.headers) == (status in (429, 503))


async def test_chat_error_in_a_stream_is_an_event_and_no_done(client, service):
    service.events = [AnswerText("Li"), DeadlineExceeded("generation", 3)]
    response = await client.post("/v1/chat/completions", json=chat(stream=True))
    *_, last = events_of(response.text)
    assert json.loads(last)["error"]["code"] == "deadline_exceeded"
    assert service.closed == 1


async def test_chat_sampling_is_passed_on(client, service):
    fields = chat(
        model="optics@1", max_tokens=5, max_completion_tokens=6, temperature=0, top_p=0.5, top_k=3, seed=-1, stop="END"
    )
    await client.post("/v1/chat/completions", json=fields)
    sampling = service.requests[0].sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.top_k) == (6, 0.0, 0.5, 3)
    assert (sampling.seed, sampling.stop) == (2**64 - 1, ("END",))
    assert service.requests[0].target == Named("optics", 1)


async def test_chat_fields_that_clients_send_are_tolerated(client, service):
    fields = chat(
        user="me", metadata={"a": 1}, n=1, presence_penalty=0.0, logit_bias={}, tools=None, store=False, top_k=-1,
        stop=None, temperature=None, response_format={"type": "text"}, parallel_tool_calls=True,
        messages=[
            {"role": "developer", "content": "brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "n"},
        ],
    )  # fmt: skip
    assert (await client.post("/v1/chat/completions", json=fields)).status_code == 200
    assert service.requests[0].messages == (Message("system", "brief"), Message("user", "ab"))
    assert service.requests[0].sampling.temperature == 1.0


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"n": 17}, "n"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": 2}, "body"),
        ({"logit_bias": {"-1": 1}}, "logit_bias"),
        ({"logit_bias": {"a": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"min_p": 1.1}, "min_p"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        ({"frequency_penalty": 2.5}, "frequency_penalty"),
        ({"model": "x" * 201}, "model"),
        ({"seed": 2**70}, "seed"),
    ],
)
async def test_chat_value_out_of_range_or_unsupported_names_the_field(client, service, fields, param):
    response = await client.post("/v1/chat/completions", json=chat(**fields))
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith(param)
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert service.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
async def test_chat_body_that_is_no_request_is_refused(client, body):
    response = await client.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_value"


async def test_chat_huge_body_is_refused_before_it_is_parsed(client):
    response = await client.post("/v1/chat/completions", content=b" " * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


async def test_models_lists_router_base_experts_and_versions(client):
    body = (await client.get("/v1/models")).json()
    assert [model["id"] for model in body["data"]] == ["auto", "base", "optics", "optics@1", "optics@2"]
    assert {model["object"] for model in body["data"]} == {"model"}
    assert body["data"][2]["r3mes"] == {"description": "light", "version": 2, "adapter_cid": "cid2"}
    assert (body["data"][2]["created"], body["data"][0]["created"]) == (77, 1234)


async def test_model_by_id_is_found_or_404(client):
    assert (await client.get("/v1/models/optics@1")).json()["r3mes"] == {"version": 1, "adapter_cid": "cid1"}
    response = await client.get("/v1/models/weather")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")


async def test_ready_needs_the_required_parts_only(client, service):
    response = await client.get("/ready")
    assert (response.status_code, response.json()["ready"]) == (200, True)
    assert response.json()["parts"][1] == {"name": "chain", "ok": False, "required": False, "detail": "down"}
    service.all_parts = [Part("engine", False, True, "starting")]
    assert (await client.get("/ready")).status_code == 503


async def test_health_and_metrics_answer(client):
    assert (await client.get("/health")).json() == {"status": "ok"}
    response = await client.get("/metrics")
    assert response.text == "r3mes_up 1\n"
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_unknown_path_and_method_have_the_same_shape(client):
    assert (await client.get("/v1/nothing")).json()["error"]["type"] == "invalid_request_error"
    response = await client.get("/v1/chat/completions")
    assert (response.status_code, "error" in response.json()) == (405, True)
