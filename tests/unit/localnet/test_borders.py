"""Bytes from outside at each server: an answer or an error code, never a crash, and no change of state."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.feed import BlockFeed
from r3mes_ray.localnet.queries import SERVICES
from r3mes_ray.localnet.rest.app import create_rest_app
from r3mes_ray.localnet.rest.routes import bindings
from r3mes_ray.localnet.rpc.app import create_rpc_app
from r3mes_ray.localnet.rpc.calls import NAMES, Host

ANSWERS = [
    (GetMessageClass(method.input_type), service.answers[method.name])
    for service in SERVICES
    for method in service.descriptor.methods
    if method.name in service.answers
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.sampled_from(["tx", "hash", "query", "height", "path", "data", "page", "per_page", "minHeight", "prove"])
_LARGEST = {
    FieldDescriptor.TYPE_UINT64: 2**64 - 1,
    FieldDescriptor.TYPE_INT64: 2**63 - 1,
    FieldDescriptor.TYPE_UINT32: 2**32 - 1,
    FieldDescriptor.TYPE_INT32: 2**31 - 1,
}
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def node(module_lab):
    return module_lab.node


def _state(node) -> tuple[bytes, int, int]:
    return node.store.head.app_hash, node.height, node.pending


def _rpc(node) -> httpx.AsyncClient:
    host = Host(node, "127.0.0.1:26657", lambda: None, BlockFeed(), commit_timeout_s=0.01)
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_rpc_app(host)), base_url="http://chain")


def _rest(node) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_rest_app(node, lambda: None))
    return httpx.AsyncClient(transport=transport, base_url="http://chain")


@FUZZ
@given(index=st.integers(0, len(ANSWERS) - 1), raw=st.binary(max_size=60))
def test_query_of_any_bytes_is_an_answer_or_a_refusal(node, index: int, raw: bytes) -> None:
    before, (kind, answer) = _state(node), ANSWERS[index]
    with suppress(DecodeError, InvalidInput, NotOnChain, Refused):
        assert isinstance(answer(node, kind.FromString(raw)), Message)
    assert _state(node) == before


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("index", range(len(ANSWERS)), ids=[kind.DESCRIPTOR.full_name for kind, _ in ANSWERS])
def test_query_of_extreme_fields_is_an_answer_or_a_refusal(node, index: int, filled: bool) -> None:
    before, (kind, answer) = _state(node), ANSWERS[index]
    request = kind()
    if filled:
        _fill(request)
    with suppress(InvalidInput, NotOnChain, Refused):
        assert isinstance(answer(node, request), Message)
    assert _state(node) == before


def _fill(message: Message) -> None:
    """Set every number to its largest value, and every text to one that is nothing."""
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated or field.type in (FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_ENUM):
            continue
        if field.message_type is not None:
            if field.message_type.name == "PageRequest":
                _fill(getattr(message, field.name))
        elif field.type in _LARGEST:
            setattr(message, field.name, _LARGEST[field.type])
        else:
            setattr(message, field.name, "\u2603" if field.type == FieldDescriptor.TYPE_STRING else b"\xff")


@FUZZ
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_rpc_any_body_is_answered_in_json(node, body: bytes) -> None:
    before = _state(node)
    answer = asyncio.run(_rpc(node).post("/", content=body))
    assert answer.status_code in (200, 400)
    assert "error" in json.dumps(answer.json())
    assert _state(node) == before


@FUZZ
@given(name=st.sampled_from(NAMES), number=JSON, values=st.dictionaries(ARGUMENTS, JSON, max_size=4))
def test_rpc_any_arguments_are_answered_in_json(node, name: str, number: object, values: dict[str, object]) -> None:
    before = _state(node)
    answer = asyncio.run(_rpc(node).post("/", json={"id": number, "method": name, "params": values}))
    assert ("result" in answer.json()) != ("error" in answer.json())
    assert _state(node) == before


@FUZZ
@given(name=st.sampled_from(NAMES), values=st.dictionaries(ARGUMENTS, st.text(max_size=20), max_size=3))
def test_rpc_any_url_is_answered_in_json(node, name: str, values: dict[str, str]) -> None:
    before = _state(node)
    answer = asyncio.run(_rpc(node).get(f"/{name}", params=values))
    assert answer.json()["jsonrpc"] == "2.0"
    assert _state(node) == before


@FUZZ
@given(
    binding=st.sampled_from(bindings(SERVICES)),
    part=st.text(st.characters(exclude_characters="/?#", min_codepoint=33), min_size=1, max_size=12),
    query=st.dictionaries(
        st.sampled_from(["pagination.limit", "pagination.key", "query", "events"]), st.text(max_size=9)
    ),
    body=JSON,
)
def test_rest_anything_is_answered_in_json(node, binding, part: str, query: dict[str, str], body: object) -> None:
    before = _state(node)
    path = "/".join(quote(part, safe="") if "{" in piece else piece for piece in binding.path.split("/"))
    answer = asyncio.run(_rest(node).request(binding.verb, path, params=query, json=body))
    assert answer.status_code in (200, 400, 404, 501)
    assert isinstance(answer.json(), dict)
    assert _state(node) == before


@pytest.mark.parametrize("path", ["/cosmos/tx/v1beta1/txs", "/cosmos/tx/v1beta1/simulate"])
def test_rest_deep_nesting_is_refused(node, path: str) -> None:
    deep = '{"tx": {"body": {"messages": [' + '{"@type": "/google.protobuf.Any", "value": ' * 5_000
    before = _state(node)
    for body in (deep, deep + "{}" + "}" * 5_000 + "]}}}", '{"x":' * 50_000):
        answer = asyncio.run(_rest(node).post(path, content=body.encode()))
        assert answer.status_code == 400
    assert _state(node) == before
