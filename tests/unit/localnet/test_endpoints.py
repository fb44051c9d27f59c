"""Nodes that say where they serve content."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.queries.endpoints import content_endpoints
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryContentEndpointsRequest
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAnnounceContent


def announce(lab, key, url: str) -> MsgAnnounceContent:
    return MsgAnnounceContent(node_address=lab.address(key), content_url=url)


def urls(lab) -> list[tuple[str, str]]:
    answer = content_endpoints(lab.node, QueryContentEndpointsRequest())
    return [(entry.node_address, entry.content_url) for entry in answer.endpoints]


def test_announce_is_listed_replaced_and_taken_back(lab) -> None:
    lab.ok(lab.alice, lab.register_node(lab.alice))
    for url in ("http://10.0.0.1:8085", "https://alice.example", "http://[fd00::1]:8085"):
        lab.ok(lab.alice, announce(lab, lab.alice, url))
        assert urls(lab) == [(lab.address(lab.alice), url)]
    lab.ok(lab.alice, announce(lab, lab.alice, ""))
    assert urls(lab) == []


def test_announce_of_an_account_that_is_no_node_is_refused(lab) -> None:
    assert lab.code(lab.bob, announce(lab, lab.bob, "http://10.0.0.1:8085")) == ("remes", 1017)
    assert urls(lab) == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "http://",
        "host:8085",
        "http://host/path",
        "http://host?x=1",
        "http://user:secret@host",
        "http://host\n",
        "http://host:123456",
        "http://" + "a" * 200,
    ],
)
def test_announce_of_what_is_no_base_url_is_refused(lab, url: str) -> None:
    lab.ok(lab.alice, lab.register_node(lab.alice))
    assert lab.code(lab.alice, announce(lab, lab.alice, url)) == ("remes", 1019)
