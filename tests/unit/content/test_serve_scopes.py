"""The blocks of a CAR by `dag-scope` and `entity-bytes`, as the specification of trustless gateways has them."""

from __future__ import annotations

import dataclasses

import httpx
import pytest

from r3mes_ray.content.car import read_car
from r3mes_ray.content.car_scope import parse_scope, span_of
from r3mes_ray.content.dag_pb import Link
from r3mes_ray.content.importer import import_path
from r3mes_ray.content.profile import UNIXFS_V1_2025
from r3mes_ray.content.serve import create_gateway
from r3mes_ray.content.unixfs import file_parent
from r3mes_ray.protocol.cid import RAW

# 36 bytes in leaves of 4, three to a node: a root over three nodes over three leaves each.
LETTERS = b"".join(bytes([65 + number]) * 4 for number in range(9))
NARROW = dataclasses.replace(UNIXFS_V1_2025, chunk_bytes=4, max_links=3, shard_above_bytes=0)


@pytest.fixture
def ask(memory):
    """Status, headers, and the leaves (or number of inner nodes) of the CAR that a request is answered with."""

    async def call(root, query, **headers):
        transport = httpx.ASGITransport(create_gateway(memory))
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as http:
            answer = await http.get(f"/ipfs/{root.text}?format=car&{query}", headers=headers)
        if answer.status_code != 200:
            return answer, "", 0

        async def body():
            yield answer.content

        sections = [section async for section in read_car(body(), "node")]
        assert sections[0][0] == root
        leaves = "".join(chr(block[0]) for cid, block in sections if cid.codec == RAW)
        return answer, leaves, sum(cid.codec != RAW for cid, _ in sections)

    return call


@pytest.fixture
def letters(memory, tmp_path):
    (tmp_path / "letters").write_bytes(LETTERS)
    return import_path(tmp_path / "letters", NARROW, memory).cid


@pytest.mark.parametrize(
    ("query", "leaves", "nodes"),
    [
        ("dag-scope=all", "ABCDEFGHI", 4),
        ("dag-scope=entity", "ABCDEFGHI", 4),
        ("dag-scope=block", "", 1),
        ("entity-bytes=0:*", "ABCDEFGHI", 4),
        ("entity-bytes=0:0", "A", 2),
        ("entity-bytes=3:4", "AB", 2),
        ("entity-bytes=11:12", "CD", 3),
        ("entity-bytes=-1:*", "I", 2),
        ("entity-bytes=-5:-5", "H", 2),
        ("entity-bytes=13:-20", "DE", 2),
        ("entity-bytes=30:99999999999", "HI", 2),
        ("entity-bytes=-99999999999:0", "A", 2),
        ("entity-bytes=8:7", "", 1),
        ("entity-bytes=4:7&dag-scope=all", "B", 2),
    ],
)
async def test_car_of_a_file_has_the_least_blocks_that_prove_its_bytes(ask, letters, query, leaves, nodes):
    assert (await ask(letters, query))[1:] == (leaves, nodes)


@pytest.mark.parametrize("query", ["entity-bytes=36:*", "entity-bytes=-99:-37"])
async def test_car_of_bytes_outside_of_the_file_is_refused(ask, letters, query):
    answer, _, _ = await ask(letters, query)
    assert (answer.status_code, "outside of the 36 bytes" in answer.text) == (400, True)


async def test_car_of_a_part_that_is_linked_twice_has_what_each_place_wants(ask, memory):
    leaves = [memory.put(letter * 4, RAW) for letter in (b"A", b"B", b"C")]
    part = memory.put(file_parent(tuple(Link(leaf, b"", 4) for leaf in leaves), (4, 4, 4)))
    root = memory.put(file_parent((Link(part, b"", 12), Link(part, b"", 12)), (12, 12)))
    assert (await ask(root, "entity-bytes=8:13"))[1:] == ("CA", 2)
    assert (await ask(root, "entity-bytes=0:*"))[1:] == ("ABC", 2)


async def test_car_of_a_folder_as_entity_has_its_shards_and_none_of_its_files(ask, memory, tmp_path):
    (tmp_path / "d").mkdir()
    for number in range(600):
        (tmp_path / "d" / f"file-{number}").write_bytes(b"x%d" % number)
    sharded = import_path(tmp_path / "d", NARROW, memory).cid
    _, leaves, shards = await ask(sharded, "dag-scope=all")
    assert (len(leaves), shards > 100) == (600, True)
    for query in ("dag-scope=entity", "entity-bytes=0:10", "entity-bytes=9999:*"):
        assert (await ask(sharded, query))[1:] == ("", shards)
    plain = import_path(tmp_path / "d", dataclasses.replace(NARROW, shard_above_bytes=2**20), memory).cid
    assert (await ask(plain, "dag-scope=entity"))[1:] == ("", 1)


async def test_car_has_an_etag_of_its_scope_and_says_its_order(ask, letters):
    queries = ("", "dag-scope=block", "dag-scope=entity", "entity-bytes=0:3", "entity-bytes=0:4")
    answers = [(await ask(letters, query))[0] for query in queries]
    assert len({answer.headers["etag"] for answer in answers}) == len(queries)
    assert answers[0].headers["content-type"] == "application/vnd.ipld.car; version=1; order=dfs; dups=n"
    assert answers[0].headers["content-disposition"].endswith('.car"')


async def test_request_for_what_is_cached_only_is_412_where_it_is_not(ask, letters, memory):
    memory.blocks.clear()
    wanted = {"Cache-Control": "only-if-cached"}
    assert [(await ask(letters, "", **extra))[0].status_code for extra in (wanted, {})] == [412, 404]


@pytest.mark.parametrize(
    ("text", "size", "span"),
    [("0:*", 0, (0, 0)), ("5:9", 10, (5, 10)), ("5:4", 10, (0, 0)), ("-3:-2", 10, (7, 9)), ("2:-20", 30, (2, 11))],
)
def test_span_of_a_range_is_clipped_to_the_file(text, size, span):
    assert span_of(parse_scope(None, text), size) == span
