"""Fetching in parallel: from several peers at once, no faster than the reader takes it, resumed, and cancelled."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import pytest

from r3mes_ray.content.base import Limits
from r3mes_ray.content.blocks import MAX_BLOCK_BYTES
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.serve import create_gateway, run_gateway
from r3mes_ray.content.walk import READ_AHEAD, LeafTaken, walk
from r3mes_ray.errors import ContentNotFound
from r3mes_ray.protocol.cid import RAW, parse_cid
from r3mes_ray.settings import ContentServerSettings

SIZE = 24 * 2**20 + 7


class Peer:
    """A store behind a gateway that counts; it can be told to hold answers back, or to have lost some blocks."""

    def __init__(self, store: DiskStore, *, has=lambda cid: True) -> None:
        self.store, self.has, self.url = store, has, ""
        self.asked: list[str] = []
        self.running, self.most = 0, 0
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, cid):
        self.asked.append(cid.text)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.open.wait()
            if not self.has(cid):
                raise ContentNotFound(cid.text)
            return await self.store.read(cid)
        finally:
            self.running -= 1


@asynccontextmanager
async def serving(*peers: Peer):
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        for peer in peers:
            started: asyncio.Future[str] = loop.create_future()
            app = create_gateway(peer)
            task = asyncio.create_task(run_gateway(_no_cars(app), ContentServerSettings(port=0), started.set_result))
            stack.push_async_callback(asyncio.gather, task, return_exceptions=True)
            stack.callback(task.cancel)
            peer.url = await started
        yield Gateways([peer.url for peer in peers], timeout_s=20, hedge_after_s=15)


def _no_cars(app):
    async def answer(scope, receive, send):
        if b"format=car" in scope.get("query_string", b""):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return answer


@pytest.fixture
async def owner(tmp_path):
    store = DiskStore(tmp_path / "owner", 2**30)
    (tmp_path / "file").write_bytes(os.urandom(SIZE))
    return store, await store.add(tmp_path / "file")


async def test_get_asks_several_peers_at_a_time_and_each_block_once(owner, tmp_path):
    store, cid = owner
    peers = [Peer(store), Peer(store), Peer(store)]
    async with serving(*peers) as gateways:
        await DiskStore(tmp_path / "other", 2**30, gateways).get(cid, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "file").read_bytes()
    assert sum(len(peer.asked) for peer in peers) == 26
    assert all(peer.asked for peer in peers)


async def test_get_of_what_no_single_peer_has_is_put_together(owner, tmp_path):
    store, cid = owner
    even = Peer(store, has=lambda cid: cid.codec != RAW or cid.digest[0] % 2 == 0)
    odd = Peer(store, has=lambda cid: cid.codec != RAW or cid.digest[0] % 2 == 1)
    async with serving(even, odd) as gateways:
        await DiskStore(tmp_path / "other", 2**30, gateways).get(cid, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "file").read_bytes()


async def test_walk_with_a_slow_reader_fetches_no_more_than_its_window(owner):
    store, cid = owner
    peer, taken = Peer(store), []
    async with (
        serving(peer) as gateways,
        gateways.connect() as blocks,
        aclosing(walk(parse_cid(cid), blocks, Limits(), lambda offset, data: taken.append(len(data)))) as events,
    ):
        seen = 0
        async for event in events:
            if isinstance(event, LeafTaken):
                seen += 1
                await asyncio.sleep(0.005)
                assert len(peer.asked) <= 1 + seen + READ_AHEAD
    assert sum(taken) == SIZE
    assert 2 <= peer.most <= READ_AHEAD
    assert READ_AHEAD * MAX_BLOCK_BYTES <= 16 * 2**20


async def test_get_cancelled_leaves_no_request_and_goes_on_where_it_stood(owner, tmp_path):
    store, cid = owner
    peer = Peer(store)
    async with serving(peer) as gateways:
        other = DiskStore(tmp_path / "other", 2**30, gateways)
        first = asyncio.create_task(other.get(cid, tmp_path / "out"))
        while len(peer.asked) < 16:
            await asyncio.sleep(0.001)
        peer.open.clear()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert not (tmp_path / "out").exists()
        assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []
        peer.open.set()
        while peer.running:
            await asyncio.sleep(0.001)
        peer.asked.clear()
        await other.get(cid, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "file").read_bytes()
    assert len(peer.asked) < 20
