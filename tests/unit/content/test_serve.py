"""The trustless gateway over a store, and a second node that reads from it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket

import httpx
import pytest

from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.serve import create_gateway, run_gateway
from r3mes_ray.errors import ContentNotFound, PortBusy
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.settings import ContentServerSettings

HELLO = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"


@pytest.fixture
def store(tmp_path) -> DiskStore:
    return DiskStore(tmp_path / "store", 2**30)


@pytest.fixture
async def hello(store, tmp_path) -> str:
    (tmp_path / "hello").write_bytes(b"hello world\n")
    return await store.add(tmp_path / "hello")


def client(store, token=None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_gateway(store, token), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://node")


@pytest.mark.parametrize(("url", "headers"), [("?format=raw", {}), ("", {"Accept": "application/vnd.ipld.raw"})])
async def test_gateway_raw_block_has_the_hash_of_its_cid(store, hello, url, headers):
    async with client(store) as http:
        answer = await http.get(f"/ipfs/{HELLO}{url}", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"hello world\n")
    assert answer.headers["content-type"] == "application/vnd.ipld.raw"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/ipfs/{HELLO}", 406),
        (f"/ipfs/{HELLO}?format=tar", 406),
        (f"/ipfs/{HELLO}/file?format=raw", 404),
        ("/ipfs/QmNotACid?format=raw", 400),
        ("/ipfs/..%2f..%2fetc%2fpasswd?format=raw", 404),
        (f"/ipfs/{cid_of(b'absent')}?format=raw", 404),
        (f"/ipfs/{HELLO}?format=car&dag-scope=everything", 400),
        (f"/ipfs/{HELLO}?format=car&entity-bytes=0-1", 400),
        (f"/ipfs/{HELLO}?format=car&entity-bytes=0:", 400),
        (f"/ipfs/{HELLO}?format=car&entity-bytes=*:5", 400),
        (f"/ipfs/{HELLO}?format=car&entity-bytes=12:*", 400),
        (f"/ipfs/{HELLO}?format=car&entity-bytes=-99:-13", 400),
        ("/", 404),
    ],
)
async def test_gateway_request_that_is_not_served_says_so(store, hello, path, status):
    async with client(store) as http:
        assert (await http.get(path)).status_code == status


async def test_gateway_write_is_refused(store, hello):
    async with client(store) as http:
        assert (await http.post(f"/ipfs/{HELLO}?format=raw", content=b"x")).status_code == 405


async def test_gateway_damaged_block_is_never_sent(store, hello, tmp_path):
    block = next(path for path in (tmp_path / "store" / "blocks").rglob("*") if path.is_file())
    block.write_bytes(b"hello W0rld\n")
    async with client(store) as http:
        answer = await http.get(f"/ipfs/{HELLO}?format=raw")
    assert answer.status_code == 500
    assert b"W0rld" not in answer.content


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        ("bytes=0-4", 206, b"hello"),
        ("bytes=6-", 206, b"world\n"),
        ("bytes=6-999", 206, b"world\n"),
        ("bytes=12-", 416, b""),
        ("bytes=5-4", 416, b""),
        ("bytes=0-1,3-4", 200, b"hello world\n"),
        ("lines=1-2", 200, b"hello world\n"),
    ],
)
async def test_gateway_range_of_a_block_is_served(store, hello, wanted, status, body):
    async with client(store) as http:
        answer = await http.get(f"/ipfs/{HELLO}?format=raw", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, body)


async def test_gateway_known_block_is_not_sent_again(store, hello):
    async with client(store) as http:
        etag = (await http.head(f"/ipfs/{HELLO}?format=raw")).headers["etag"]
        answer = await http.get(f"/ipfs/{HELLO}?format=raw", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    ("given", "status"), [("Bearer secret", 200), ("Bearer Secret", 401), ("secret", 401), ("", 401), ("Bearer é", 401)]
)
async def test_gateway_with_a_token_asks_for_it(store, hello, given, status):
    async with client(store, "secret") as http:
        answer = await http.get(f"/ipfs/{HELLO}?format=raw", headers={"Authorization": given.encode()})
    assert answer.status_code == status


async def test_gateway_car_of_one_block_has_the_bytes_of_the_specification(store, hello):
    async with client(store) as http:
        answer = await http.get(f"/ipfs/{HELLO}?format=car")
    cid = bytes.fromhex("01551220") + hashlib.sha256(b"hello world\n").digest()
    header = bytes.fromhex("3aa265726f6f747381d82a582500") + cid + bytes.fromhex("6776657273696f6e01")
    assert answer.content == header + bytes([48]) + cid + b"hello world\n"
    assert answer.headers["content-type"] == "application/vnd.ipld.car; version=1; order=dfs; dups=n"


@pytest.mark.parametrize(("scope", "blocks"), [("all", 2), ("entity", 1), ("block", 1)])
async def test_gateway_car_of_a_folder_has_each_block_of_its_scope_once(store, tmp_path, scope, blocks):
    (tmp_path / "d").mkdir()
    for name in ("a", "b"):
        (tmp_path / "d" / name).write_bytes(b"same")
    cid = await store.add(tmp_path / "d")
    async with client(store) as http:
        answer = await http.get(f"/ipfs/{cid}?format=car&dag-scope={scope}")
    assert answer.content.count(bytes.fromhex("1220")) >= blocks
    assert answer.content.count(b"same") == blocks - 1


@contextlib.asynccontextmanager
async def running(store, server: ContentServerSettings):
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_gateway(create_gateway(store), server, started.set_result))
    try:
        yield await started
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_two_nodes_exchange_a_folder_and_what_is_absent_is_not_found(store, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "model").write_bytes(os.urandom(5 * 2**20 + 3))
    (tmp_path / "d" / "config").write_text("{}")
    cid = await store.add(tmp_path / "d")
    async with running(store, ContentServerSettings(port=0)) as url:
        other = DiskStore(tmp_path / "other", 2**30, Gateways([url], timeout_s=5))
        await other.get(cid, tmp_path / "out")
        assert (tmp_path / "out" / "model").read_bytes() == (tmp_path / "d" / "model").read_bytes()
        await other.pin(cid)
        with pytest.raises(ContentNotFound):
            await other.get(cid_of(b"absent"), tmp_path / "absent")


async def test_run_gateway_on_a_busy_port_is_an_error_with_the_setting(store):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(PortBusy, match=str(port)):
            await run_gateway(create_gateway(store), ContentServerSettings(port=port), lambda url: None)


async def test_two_nodes_interrupted_download_continues_with_what_is_missing(store, tmp_path):
    (tmp_path / "f").write_bytes(os.urandom(6 * 2**20))
    cid = await store.add(tmp_path / "f")

    class Dying:
        def __init__(self, blocks: int) -> None:
            self.left, self.asked = blocks, 0

        async def read(self, cid):
            self.asked += 1
            if self.asked > self.left:
                raise ContentNotFound(cid.text)
            return await store.read(cid)

    for source, asked in ((Dying(4), None), (Dying(100), 3)):
        async with running(source, ContentServerSettings(port=0)) as url:
            other = DiskStore(tmp_path / "other", 2**30, Gateways([url], timeout_s=5))
            if asked is None:
                with pytest.raises(ContentNotFound):
                    await other.get(cid, tmp_path / "out")
            else:
                await other.get(cid, tmp_path / "out")
                assert source.asked <= asked
    assert (tmp_path / "out").read_bytes() == (tmp_path / "f").read_bytes()
