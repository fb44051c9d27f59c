"""What a store over a daemon checks beyond the contract of all stores."""

from __future__ import annotations

import hashlib

import pytest

from r3mes_ray.content.kubo import KuboStore
from r3mes_ray.errors import ConfigError, ContentCorrupt, ContentUnavailable

HELLO = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"


@pytest.fixture
def store(daemon_rpc):
    return KuboStore(daemon_rpc.multiaddr, timeout_s=5)


async def test_get_of_a_block_that_the_daemon_changed_is_refused(store, daemon_rpc, tmp_path):
    daemon_rpc.blocks[hashlib.sha256(b"hello world\n").digest()] = b"hello W0rld\n"
    with pytest.raises(ContentCorrupt, match=HELLO):
        await store.get(HELLO, tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_add_that_the_daemon_keeps_under_another_hash_is_refused(store, daemon_rpc, tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"hello world\n")
    other = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    monkeypatch.setattr(daemon_rpc, "answer", lambda call, query, body: {"Key": other, "Size": 12})
    with pytest.raises(ContentUnavailable, match=f"keeps block {HELLO} as {other}"):
        await store.add(tmp_path / "f")


async def test_add_without_a_daemon_names_the_address(tmp_path, unused_tcp_port):
    (tmp_path / "f").write_bytes(b"x")
    store = KuboStore(f"/ip4/127.0.0.1/tcp/{unused_tcp_port}/http", timeout_s=5)
    with pytest.raises(ContentUnavailable, match=f"tcp/{unused_tcp_port}"):
        await store.add(tmp_path / "f")


def test_open_with_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"content\.api_address"):
        KuboStore("localhost", timeout_s=5)
