"""Durability and integrity of the database, and determinism of what is in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from r3mes_ray.errors import ChainCorrupt, ChainWriteFailed
from r3mes_ray.localnet.blocks import genesis_block, next_block
from r3mes_ray.localnet.genesis import Genesis
from r3mes_ray.localnet.machine import identity_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.state import EmptyState, Overlay
from r3mes_ray.localnet.store import open_store


def _written(lab, path: Path) -> Path:
    """A database with a whole round in it, as a file."""
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    target = sqlite3.connect(path)
    lab.node.store._db.backup(target)
    target.close()
    return path


def test_store_reopened_continues_at_the_last_block(lab, tmp_path: Path, first_genesis: Genesis) -> None:
    path = _written(lab, tmp_path / "chain.sqlite")
    store = open_store(path, first_genesis)
    assert store.head == lab.node.store.head
    again = ChainNode(first_genesis, store)
    assert again.produce(store.head.time_ns + 1).block.height == lab.node.height + 1
    store.close()
    assert open_store(path, first_genesis).head.height == lab.node.height + 1


def test_replay_of_the_log_gives_the_same_app_hash(lab, tmp_path: Path, first_genesis: Genesis) -> None:
    _written(lab, tmp_path / "chain.sqlite")
    store, state = lab.node.store, Overlay(EmptyState())
    executed = genesis_block(first_genesis)
    state.writes.update(executed.writes)
    for height in range(1, store.head.height + 1):
        block = store.block(height)
        txs = [stored.raw for stored in store.txs(height)]
        executed = next_block(identity_of(first_genesis), executed.block, state, block.time_ns, txs)
        state.writes.update(executed.writes)
        assert executed.block == block
    assert executed.block.app_hash == store.head.app_hash
    assert dict(state.items(b"")) == dict(store.items(b""))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE state SET value = x'31' WHERE key = (SELECT key FROM state WHERE key >= x'62616c' LIMIT 1)",
        "DELETE FROM state WHERE key = (SELECT max(key) FROM state)",
        "INSERT INTO state VALUES (x'00', x'00')",
        "UPDATE txs SET raw = x'00' WHERE height = (SELECT max(height) FROM txs)",
        "DELETE FROM txs WHERE height = (SELECT max(height) FROM txs)",
        "DELETE FROM blocks WHERE height = (SELECT max(height) FROM blocks)",
        "DELETE FROM blocks WHERE height = 3",
        "UPDATE blocks SET time_ns = time_ns + 1 WHERE height = 4",
        "UPDATE blocks SET app_hash = x'00' WHERE height = (SELECT max(height) FROM blocks)",
        "DELETE FROM blocks",
    ],
)
def test_store_changed_by_hand_is_refused(lab, tmp_path: Path, first_genesis: Genesis, statement: str) -> None:
    path = _written(lab, tmp_path / "chain.sqlite")
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()
    with pytest.raises(ChainCorrupt):
        open_store(path, first_genesis)


def test_store_torn_file_is_refused(lab, tmp_path: Path, first_genesis: Genesis) -> None:
    path = _written(lab, tmp_path / "chain.sqlite")
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(ChainCorrupt):
        open_store(path, first_genesis)


def test_store_no_database_is_refused(tmp_path: Path, first_genesis: Genesis) -> None:
    path = tmp_path / "chain.sqlite"
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(ChainCorrupt, match="not a database"):
        open_store(path, first_genesis)


def test_store_of_another_genesis_is_refused(lab, tmp_path: Path, first_genesis: Genesis) -> None:
    path = _written(lab, tmp_path / "chain.sqlite")
    other = first_genesis.model_copy(update={"balances": ()})
    with pytest.raises(ChainCorrupt, match="genesis"):
        open_store(path, other)


def test_store_failed_block_leaves_nothing(lab) -> None:
    store = lab.node.store
    before = store.head
    executed = next_block(lab.node.chain, before, store, before.time_ns + 1, [])
    store._db.execute("CREATE TRIGGER refuse BEFORE INSERT ON blocks BEGIN SELECT RAISE(ABORT, 'disk'); END")
    with pytest.raises(ChainWriteFailed, match="disk"):
        store.append(executed)
    store._db.execute("DROP TRIGGER refuse")
    assert (store.head, store.block(before.height + 1)) == (before, None)
