"""Several choices and their tokens' chances, in the shape of the OpenAI API."""

import json
import math

import httpx
import pytest

from r3mes_ray.serving.api import create_api
from r3mes_ray.serving.inference.base import TokenChance, TokenChances
from r3mes_ray.serving.records import AnswerEnd, AnswerRecord, AnswerText, Route, Timings

RECORD = AnswerRecord("tiny", None, 0, None, Route("requested", ()), (), Timings(0, 0, 0, 0, 0, 0))
SMILE = TokenChances(TokenChance("\ufffd", -0.5), (TokenChance("é", -0.25), TokenChance("\ufffd", -0.5)))
TWO = [
    AnswerText("a", 1, (SMILE,)),
    AnswerText("b", 0, (SMILE,)),
    AnswerText("c", 1),
    AnswerEnd(("stop", "length"), 5, 7, RECORD),
]


class FakeService:
    def __init__(self):
        self.requests = []

    async def answer(self, request):
        self.requests.append(request)
        for event in TWO:
            yield event


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
async def client(service):
    transport = httpx.ASGITransport(create_api(service, clock=lambda: 1.0))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def chat(client, **fields):
    body = {"model": "base", "messages": [{"role": "user", "content": "why?"}], "n": 2, **fields}
    return await client.post("/v1/chat/completions", json=body)


async def test_choices_are_told_apart_with_their_own_ends(client, service):
    body = (await chat(client)).json()
    assert [
        (one["index"], one["message"]["content"], one["finish_reason"], one["logprobs"]) for one in body["choices"]
    ] == [(0, "b", "stop", None), (1, "ac", "length", None)]
    assert body["usage"] == {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    assert (service.requests[0].choices, service.requests[0].sampling.top_logprobs) == (2, None)


async def test_logprobs_have_tokens_bytes_and_the_likeliest(client, service):
    body = (await chat(client, logprobs=True, top_logprobs=2)).json()
    half = {"token": "\ufffd", "logprob": -0.5, "bytes": None}
    top = [{"token": "é", "logprob": -0.25, "bytes": [0xC3, 0xA9]}, half]
    assert body["choices"][0]["logprobs"] == {"content": [half | {"top_logprobs": top}], "refusal": None}
    assert service.requests[0].sampling.top_logprobs == 2


async def test_stream_of_choices_has_each_ones_role_text_and_end(client):
    response = await chat(client, stream=True, logprobs=True)
    *chunks, done = [block.removeprefix("data: ") for block in response.text.split("\n\n")[:-1]]
    assert done == "[DONE]"
    choices = [json.loads(chunk)["choices"][0] for chunk in chunks]
    assert [(one["index"], one["delta"].get("content"), one["finish_reason"]) for one in choices] == [
        (0, "", None), (1, "", None), (1, "a", None), (0, "b", None), (1, "c", None), (0, None, "stop"),
        (1, None, "length"),
    ]  # fmt: skip
    assert [len(one["logprobs"]["content"]) for one in choices[2:5]] == [1, 1, 0]
    assert [bool(json.loads(chunk)["r3mes"]) for chunk in chunks] == [False] * 6 + [True]


async def test_sampling_fields_reach_the_engine(client, service):
    fields = {"min_p": 0.1, "presence_penalty": 0.2, "frequency_penalty": -0.3, "repetition_penalty": 1.5}
    await chat(client, logit_bias={"7": -100, "8": 5.5}, **fields)
    sampling = service.requests[0].sampling
    assert {name: getattr(sampling, name) for name in fields} == fields
    assert sampling.logit_bias == ((7, -100.0), (8, 5.5))
    assert math.isfinite(sampling.temperature)


ARRAY = {"type": "array"}


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": ARRAY}}, ARRAY),
    ],
)
async def test_chat_response_format_becomes_the_schema_that_is_kept_to(client, service, response_format, schema):
    body = {"messages": [{"role": "user", "content": "hi"}], "n": 2, "response_format": response_format}
    assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    kept = service.requests[0].sampling.json_schema
    assert (None if kept is None else json.loads(kept)) == schema


def nested(depth):
    return {"not": nested(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (nested(32), None),
        (nested(33), "32 levels deep"),
        ({"enum": ["x" * 32_000]}, None),
        ({"enum": ["x" * 33_000]}, "32768 bytes, this one has 330"),
    ],
)
async def test_schema_has_bounds_of_size_and_depth(client, service, schema, message):
    wanted = {"type": "json_schema", "json_schema": {"name": "one", "schema": schema}}
    response = await chat(client, response_format=wanted)
    if message is None:
        assert response.status_code == 200
        return
    assert (response.status_code, service.requests) == (400, [])
    assert message in response.json()["error"]["message"]
    assert response.json()["error"]["param"].startswith("response_format")
