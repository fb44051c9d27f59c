"""Peers that a store learns of while it is open."""

from __future__ import annotations

import asyncio
import os

from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.peers import MAX_PEERS, PeerFile
from r3mes_ray.content.serve import create_gateway, run_gateway
from r3mes_ray.settings import ContentServerSettings


def test_peers_before_any_was_learnt_are_none(tmp_path):
    assert PeerFile(tmp_path / "peers").read() == ()


def test_peers_are_replaced_as_a_whole_and_bounded(tmp_path):
    file = PeerFile(tmp_path / "new" / "peers")
    file.write(["http://a", "http://b"])
    file.write([f"http://{number}" for number in range(1000)])
    assert file.read() == tuple(f"http://{number}" for number in range(MAX_PEERS))
    assert os.listdir(tmp_path / "new") == ["peers"]


async def test_store_asks_a_peer_that_was_learnt_after_it_was_opened(tmp_path):
    owner = DiskStore(tmp_path / "owner", 2**30)
    (tmp_path / "f").write_bytes(b"hello")
    cid = await owner.add(tmp_path / "f")
    file = PeerFile(tmp_path / "peers")
    other = DiskStore(tmp_path / "other", 2**30, Gateways([], timeout_s=5, learned=file.read))
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_gateway(create_gateway(owner), ContentServerSettings(port=0), started.set_result))
    file.write(["not a URL", "ftp://host", await started])
    await other.get(cid, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"hello"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
