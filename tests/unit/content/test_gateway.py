"""A hostile gateway on loopback: each attack is refused within its limits, and an honest gateway is found."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_store import GatewayStore
from r3mes_ray.errors import (
    ConfigError,
    ContentCorrupt,
    ContentNotFound,
    ContentReadOnly,
    ContentTimeout,
    ContentUnavailable,
)
from r3mes_ray.protocol.cid import cid_of, parse_cid

BLOCK = b"hello world\n" * 1000
CID = parse_cid(cid_of(BLOCK))
RAW_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.ipld.raw\r\n"

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


def sends(data: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return script


def raw(body: bytes, more: bytes = b"") -> Script:
    return sends(RAW_HEAD + b"Content-Length: %d\r\n%s\r\n" % (len(body), more) + body)


async def stalls(writer: asyncio.StreamWriter) -> None:
    writer.write(RAW_HEAD + b"Content-Length: 12000\r\n\r\nhello")
    await writer.drain()
    await asyncio.Event().wait()


async def never_ends(writer: asyncio.StreamWriter) -> None:
    writer.write(RAW_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(2**16) + b"\r\n")
        await writer.drain()


class Server:
    def __init__(self, script: Script) -> None:
        self.script, self.url, self.asked = script, "", 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.script(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*scripts: Script):
    async with AsyncExitStack() as stack:
        servers = []
        for script in scripts:
            server = Server(script)
            listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
            stack.callback(listener.close)
            server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            servers.append(server)
        yield servers


async def fetch(gateways: Gateways) -> bytes:
    async with gateways.connect() as blocks:
        return await blocks.read(CID)


HONEST = raw(BLOCK)
ATTACKS = {
    "other bytes": (raw(BLOCK[:-1] + b"!"), ContentCorrupt, "does not hash"),
    "no bytes": (raw(b""), ContentCorrupt, "does not hash"),
    "truncated without length": (sends(RAW_HEAD + b"Connection: close\r\n\r\n" + BLOCK[:50]), ContentCorrupt, "hash"),
    "truncated": (sends(RAW_HEAD + b"Content-Length: 12000\r\n\r\n" + BLOCK[:50]), ContentUnavailable, "peer closed"),
    "html page": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"),
        ContentUnavailable,
        "sends text/html where",
    ),
    "no content type": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), ContentUnavailable, "sends nothing"),
    "redirect": (
        sends(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
        ContentUnavailable,
        "redirect, which is not followed",
    ),
    "gzip bomb": (
        raw(gzip.compress(bytes(2**27)), b"Content-Encoding: gzip\r\n"),
        ContentUnavailable,
        "compresses its answer",
    ),
    "endless body": (never_ends, ContentUnavailable, "more than the 2097152 bytes"),
    "stall": (stalls, ContentTimeout, "did not arrive"),
    "server error": (sends(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), ContentUnavailable, "status 500"),
    "rate limit": (sends(b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"), ContentUnavailable, "status 429"),
    "not http": (sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), ContentUnavailable, "content at http"),
    "huge header": (sends(b"HTTP/1.1 200 OK\r\nX: " + bytes(2**20)), ContentUnavailable, "content at http"),
    "hangs up": (sends(b""), ContentUnavailable, "content at http"),
    "not here": (sends(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), ContentNotFound, "in none of the stores"),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_read_from_a_hostile_gateway_is_refused_in_flat_memory(attack):
    script, error, reason = ATTACKS[attack]
    async with serving(script) as [server]:
        tracemalloc.start()
        try:
            with pytest.raises(error, match=reason):
                await fetch(Gateways([server.url], timeout_s=0.2))
            assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_read_with_a_hostile_gateway_beside_an_honest_one_succeeds(attack):
    async with serving(ATTACKS[attack][0], HONEST) as servers:
        assert await fetch(Gateways([server.url for server in servers], timeout_s=5, hedge_after_s=0.05)) == BLOCK


async def test_read_after_a_lie_never_asks_the_liar_again():
    async with serving(raw(b"lie"), HONEST) as [liar, honest]:
        gateways = Gateways([liar.url, honest.url], timeout_s=5, clock=iter(range(0, 10**9, 10**6)).__next__)
        for _ in range(3):
            assert await fetch(gateways) == BLOCK
        assert (liar.asked, honest.asked) == (1, 3)


async def test_read_from_a_resting_gateway_waits_until_it_has_rested():
    now = 0.0
    async with serving(ATTACKS["server error"][0], HONEST) as [broken, honest]:
        gateways = Gateways([broken.url, honest.url], timeout_s=5, clock=lambda: now)
        await fetch(gateways)
        await fetch(gateways)
        assert broken.asked == 1
        broken.script, honest.script = HONEST, ATTACKS["server error"][0]
        now = 1.5
        assert await fetch(gateways) == BLOCK
        assert await fetch(gateways) == BLOCK
        assert broken.asked == 3


async def test_read_when_all_rest_asks_them_anyway():
    async with serving(ATTACKS["server error"][0]) as [server]:
        gateways = Gateways([server.url], timeout_s=5, clock=lambda: 0.0)
        with pytest.raises(ContentUnavailable):
            await fetch(gateways)
        server.script = HONEST
        assert await fetch(gateways) == BLOCK


async def test_read_without_gateways_finds_nothing():
    with pytest.raises(ContentNotFound):
        await fetch(Gateways([], timeout_s=1))


async def test_read_asks_the_second_only_when_the_first_is_slow():
    async with serving(HONEST, HONEST) as [first, second]:
        await fetch(Gateways([first.url, second.url], timeout_s=5, hedge_after_s=5))
        assert (first.asked, second.asked) == (1, 0)


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "//host", "http://user:secret@host", "http://host?x=1", "http://ho st", "host:80"]
)
def test_gateways_url_that_is_no_base_url_is_refused(url):
    with pytest.raises(ConfigError):
        Gateways([url], timeout_s=1)


async def test_store_over_gateways_is_for_reading_only(tmp_path):
    store = GatewayStore(Gateways([], timeout_s=1))
    with pytest.raises(ContentReadOnly):
        await store.add(tmp_path)
    with pytest.raises(ContentReadOnly):
        await store.pin(CID.text)
    with pytest.raises(ContentNotFound):
        await store.stat(CID.text)
    await store.unpin(CID.text)


async def test_disk_get_keeps_what_a_peer_sends(tmp_path):
    async with serving(HONEST) as [peer]:
        store = DiskStore(tmp_path / "store", 2**30, Gateways([peer.url], timeout_s=5))
        await store.get(CID.text, tmp_path / "one")
        await store.get(CID.text, tmp_path / "two")
        assert peer.asked == 1
        assert (tmp_path / "two").read_bytes() == BLOCK
        assert not (await store.stat(CID.text)).pinned


async def test_disk_get_heals_a_damaged_block_from_a_peer(tmp_path):
    (tmp_path / "f").write_bytes(BLOCK)
    async with serving(HONEST) as [peer]:
        store = DiskStore(tmp_path / "store", 2**30, Gateways([peer.url], timeout_s=5))
        await store.add(tmp_path / "f")
        block = next(path for path in (tmp_path / "store" / "blocks").rglob("*") if path.is_file())
        block.write_bytes(b"damage")
        await store.get(CID.text, tmp_path / "out")
        assert block.read_bytes() == BLOCK


@pytest.mark.parametrize("attack", ["server error", "not here", "other bytes", "hangs up"])
async def test_disk_get_of_a_damaged_block_that_no_peer_gives_names_the_block_and_its_file(tmp_path, attack):
    (tmp_path / "f").write_bytes(BLOCK)
    async with serving(ATTACKS[attack][0]) as [peer]:
        store = DiskStore(tmp_path / "store", 2**30, Gateways([peer.url], timeout_s=5))
        await store.add(tmp_path / "f")
        block = next(path for path in (tmp_path / "store" / "blocks").rglob("*") if path.is_file())
        block.write_bytes(b"damage")
        with pytest.raises(ContentCorrupt) as caught:
            await store.get(CID.text, tmp_path / "out")
    assert (caught.value.cid, caught.value.source) == (CID.text, str(block))
    assert not (tmp_path / "out").exists()
