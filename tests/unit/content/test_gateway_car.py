"""A hostile gateway's CARs: each is refused within its limits, in flat memory, and an honest gateway gives the rest."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import tracemalloc
from contextlib import asynccontextmanager

import pytest

from r3mes_ray.content.base import Limits
from r3mes_ray.content.blocks import MAX_BLOCK_BYTES
from r3mes_ray.content.car import car_header, car_section, read_car
from r3mes_ray.content.dag_pb import Link
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.exporter import export
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_car import car_first
from r3mes_ray.content.serve import create_gateway, run_gateway
from r3mes_ray.content.unixfs import file_parent
from r3mes_ray.errors import ContentCorrupt, ContentTooLarge, ContentUnavailable
from r3mes_ray.protocol.cid import DAG_PB, RAW, CidParts
from r3mes_ray.settings import ContentServerSettings

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n\r\n"
PARTS = [bytes([number]) * 300_000 for number in range(12)]


def cid_of(block: bytes, codec: int = RAW) -> CidParts:
    return CidParts(1, codec, hashlib.sha256(block).digest())


LEAVES = [cid_of(part) for part in PARTS]
ROOT_BLOCK = file_parent(tuple(Link(leaf, b"", 300_000) for leaf in LEAVES), (300_000,) * 12)
ROOT = cid_of(ROOT_BLOCK, DAG_PB)
BLOCKS = {cid.text: block for cid, block in zip([ROOT, *LEAVES], [ROOT_BLOCK, *PARTS], strict=True)}
START = car_header(ROOT) + car_section(ROOT, ROOT_BLOCK)
WHOLE = START + b"".join(map(car_section, LEAVES, PARTS))
STRANGERS = [bytes([number]) * 2**20 for number in range(100, 200)]


def forever(data: bytes):
    return itertools.repeat(data)


CARS = {
    "whole": [WHOLE],
    "a byte at a time": [bytes([byte]) for byte in WHOLE[:2000]],
    "nothing": [],
    "only the root": [START],
    "ends inside a block": [WHOLE[: len(START) + 100_000]],
    "ends inside a length": [START + b"\xff"],
    "version 2": [b"\x0a\xa1gversion\x02"],
    "header of 100 MB": [b"\x80\x80\x80\x30"],
    "endless length": forever(b"\xff" * 1000),
    "section of 1 GB": [START + b"\xff\xff\xff\xff\x03"],
    "empty section": [START + b"\x00"],
    "identity CID": [START + b"\x0a\x01\x55\x00\x06hello!"],
    "other bytes": [START + car_section(LEAVES[0], PARTS[1])],
    "backwards": [START + b"".join(map(car_section, LEAVES[::-1], PARTS[::-1]))],
    "strangers": [START, *(car_section(cid_of(block), block) for block in STRANGERS)],
    "root again and again": itertools.chain([START], forever(car_section(ROOT, ROOT_BLOCK))),
    "leaf again and again": itertools.chain([START], forever(car_section(LEAVES[0], PARTS[0]))),
}


class Server:
    """Answers for blocks honestly, for the CAR as it was told; `honest` off answers for no block."""

    def __init__(self, parts, *, kind=b"application/vnd.ipld.car", honest=True) -> None:
        self.parts, self.kind, self.honest, self.url, self.asked = parts, kind, honest, "", []

    async def handle(self, reader, writer) -> None:
        try:
            target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            self.asked.append("car" if "format=car" in target else "raw")
            block = BLOCKS.get(target.removeprefix("/ipfs/").partition("?")[0])
            if "format=car" in target:
                writer.write(HEAD % self.kind)
                for part in self.parts:
                    writer.write(part)
                    await writer.drain()
            elif block is not None and self.honest:
                writer.write(HEAD % b"application/vnd.ipld.raw" + block)
            else:
                writer.write(b"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*servers: Server):
    listeners = []
    for server in servers:
        listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        listeners.append(listener)
    yield Gateways([server.url for server in servers], timeout_s=5, hedge_after_s=2)
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize("attack", CARS)
async def test_get_with_a_hostile_car_ends_whole_in_flat_memory(attack, tmp_path):
    async with serving(Server(CARS[attack]), Server([])) as gateways:
        tracemalloc.start()
        try:
            async with car_first(gateways, ROOT) as source:
                await export(ROOT, source, tmp_path / "out", Limits())
            assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
        finally:
            tracemalloc.stop()
    assert (tmp_path / "out").read_bytes() == b"".join(PARTS)


@pytest.mark.parametrize("kind", [b"text/html", b"application/vnd.ipld.raw"])
async def test_get_with_an_answer_that_is_no_car_reads_block_by_block(kind, tmp_path):
    server = Server([b"<html>"], kind=kind)
    async with serving(server) as gateways, car_first(gateways, ROOT) as source:
        await export(ROOT, source, tmp_path / "out", Limits())
    assert server.asked == ["car"] + ["raw"] * 13


async def test_get_of_a_whole_car_asks_for_no_block(tmp_path):
    server = Server([WHOLE], honest=False)
    async with serving(server) as gateways, car_first(gateways, ROOT) as source:
        await export(ROOT, source, tmp_path / "out", Limits())
    assert server.asked == ["car"]
    assert (tmp_path / "out").read_bytes() == b"".join(PARTS)


async def test_get_with_a_lying_car_never_asks_that_gateway_again(tmp_path):
    liar, honest = Server(CARS["other bytes"]), Server([WHOLE])
    async with serving(liar, honest) as gateways:
        for target in ("one", "two"):
            async with car_first(gateways, ROOT) as source:
                await export(ROOT, source, tmp_path / target, Limits())
    assert liar.asked == ["car"]


async def test_get_of_a_duplicate_child_bomb_in_a_small_car_ends_at_the_limit(tmp_path, monkeypatch):
    block, cid = b"", cid_of(b"")
    sections = [car_section(cid, block)]
    monkeypatch.setitem(BLOCKS, cid.text, block)
    for _ in range(6):
        block = file_parent((Link(cid, b"", 0),) * 1000, (0,) * 1000)
        cid = cid_of(block, DAG_PB)
        sections.insert(0, car_section(cid, block))
        monkeypatch.setitem(BLOCKS, cid.text, block)
    async with serving(Server([car_header(cid) + b"".join(sections)])) as gateways, car_first(gateways, cid) as source:
        with pytest.raises(ContentTooLarge, match="3000 blocks"):
            await export(cid, source, tmp_path / "out", Limits(max_blocks=3000))
    assert not (tmp_path / "out").exists()


async def read(*parts: bytes) -> list[tuple[CidParts, bytes]]:
    async def stream():
        for part in parts:
            yield part

    return [section async for section in read_car(stream(), "peer")]


async def test_read_car_gives_back_what_was_written():
    old = CidParts(0, DAG_PB, cid_of(ROOT_BLOCK).digest)
    car = car_header(old) + car_section(old, ROOT_BLOCK) + car_section(LEAVES[0], PARTS[0])
    for size in (1000, len(car)):
        parts = [car[at : at + size] for at in range(0, len(car), size)]
        assert await read(*parts) == [(old, ROOT_BLOCK), (LEAVES[0], PARTS[0])]


@pytest.mark.parametrize(
    ("car", "error", "reason"),
    [
        (CARS["ends inside a block"], ContentUnavailable, "ends inside a section"),
        (CARS["ends inside a length"], ContentUnavailable, "ends inside a section"),
        (CARS["version 2"], ContentUnavailable, "no CAR of version 1"),
        (CARS["nothing"], ContentUnavailable, "no CAR of version 1"),
        (CARS["header of 100 MB"], ContentUnavailable, "more than 4096 bytes"),
        (CARS["section of 1 GB"], ContentUnavailable, f"more than {MAX_BLOCK_BYTES + 36} bytes"),
        (CARS["empty section"], ContentUnavailable, "block of another kind"),
        (CARS["identity CID"], ContentUnavailable, "block of another kind"),
        (CARS["other bytes"], ContentCorrupt, "does not hash"),
    ],
)
async def test_read_car_that_is_wrong_says_what(car, error, reason):
    with pytest.raises(error, match=reason):
        await read(*car)


async def test_two_nodes_exchange_a_folder_by_car_and_resume_by_blocks(tmp_path):
    store = DiskStore(tmp_path / "store", 2**30)
    (tmp_path / "d").mkdir()
    for number, part in enumerate(PARTS):
        (tmp_path / "d" / str(number)).write_bytes(part)
    cid = await store.add(tmp_path / "d")
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_gateway(store)
    seen = []

    async def logged(scope, receive, send):
        seen.append(scope["query_string"])
        await app(scope, receive, send)

    task = asyncio.create_task(run_gateway(logged, ContentServerSettings(port=0), started.set_result))
    other = DiskStore(tmp_path / "other", 2**30, Gateways([await started], timeout_s=5))
    await other.get(cid, tmp_path / "out")
    assert seen == [b"format=car&dag-scope=all"]
    await other.discard([LEAVES[3].text])
    await other.get(cid, tmp_path / "again")
    assert seen[1:] == [b"format=raw"]
    assert (tmp_path / "again" / "3").read_bytes() == PARTS[3]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
