import json

import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.serving.routing.profiles import parse_profile


def test_parse_profile_known_fields_are_read_and_others_ignored():
    data = json.dumps({"description": "d", "keywords": ["k"], "examples": ["e"], "licence": 3}).encode()
    assert parse_profile("x", data) == ExpertProfile("x", "d", ("k",), ("e",))


def test_parse_profile_empty_object_is_an_expert_without_texts():
    assert parse_profile("x", b"{}") == ExpertProfile("x", "", (), ())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[]", "JSON object"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b'{"description": 1}', "description must be a text"),
        (b'{"keywords": "k"}', "keywords must be a list"),
        (b'{"keywords": [1]}', "keywords must be a text"),
        (b'{"examples": ["' + b"x" * 3000 + b'"]}', "examples must be a text"),
        (json.dumps({"keywords": ["k"] * 201}).encode(), "keywords must be a list"),
        (b" " * 65_537, "exceed the limit"),
    ],
)
def test_parse_profile_broken_data_is_refused_by_name(data, reason):
    with pytest.raises(InvalidInput, match=reason) as caught:
        parse_profile("x", data)
    assert "expert x" in str(caught.value)
