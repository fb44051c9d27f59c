"""The durable store: SQLite in WAL mode with a full sync, one SQL transaction for each block.

What `append` returned from survives any crash. Opening checks that blocks, transactions and state hash to the last
block, so a torn or changed file is noticed before it is used.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.chain.base import Event
from r3mes_ray.errors import ChainCorrupt, ChainWriteFailed
from r3mes_ray.localnet.blocks import Block, Executed, genesis_block, hash_of
from r3mes_ray.localnet.genesis import Genesis
from r3mes_ray.localnet.hashing import data_hash, full_sum
from r3mes_ray.localnet.machine import identity_of
from r3mes_ray.localnet.results import tx_response
from r3mes_ray.localnet.state import after_prefix
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import TxResponse

_BLOCK_EVENTS = "CREATE TABLE block_events (height INTEGER PRIMARY KEY, events TEXT NOT NULL) STRICT"
SCHEMA = f"""
CREATE TABLE blocks (height INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, parent_hash BLOB NOT NULL,
  data_hash BLOB NOT NULL, results_hash BLOB NOT NULL, app_hash BLOB NOT NULL, state_sum BLOB NOT NULL,
  block_hash BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE txs (height INTEGER NOT NULL, position INTEGER NOT NULL, tx_hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL,
  response BLOB NOT NULL, PRIMARY KEY (height, position)) STRICT;
CREATE TABLE attributes (name TEXT NOT NULL, value TEXT NOT NULL, height INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (name, value, height, position)) STRICT, WITHOUT ROWID;
CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
{_BLOCK_EVENTS};
"""
VERSION = 2
"""Version 1 had no `block_events`; `chain export` and `chain import` find again what blocks of that time told."""
_NO_TX = -1
"""Position of a block's own events in `attributes`."""
_CHECKED_BLOCKS = 200


@dataclass(frozen=True, slots=True)
class StoredTx:
    """An included transaction and the SDK's answer about it."""

    raw: bytes
    response: TxResponse


class Store:
    """Blocks, transactions and the state after the last block. For one thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path, head: Block) -> None:
        self._db = connection
        self.path = path
        self.head = head

    def get(self, key: bytes) -> bytes | None:
        """The value at a key of the state."""
        row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def items(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Entries of the state below a prefix, by ascending key."""
        low, high = max(prefix, start), after_prefix(prefix)
        if high is None:
            return self._db.execute("SELECT key, value FROM state WHERE key >= ? ORDER BY key", (low,))
        return self._db.execute("SELECT key, value FROM state WHERE key >= ? AND key < ? ORDER BY key", (low, high))

    def append(self, executed: Executed) -> None:
        """Write a block and everything that it changed, durably.

        Raises:
            ChainWriteFailed: the disk did not take it; the last block stands.
        """
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                _insert(self._db, executed)
        except sqlite3.Error as error:
            raise ChainWriteFailed(str(self.path), str(error)) from error
        self.head = executed.block

    def block(self, height: int) -> Block | None:
        """The block of a height."""
        row = self._db.execute("SELECT * FROM blocks WHERE height = ?", (height,)).fetchone()
        return None if row is None else _block(row)

    def txs(self, height: int) -> list[StoredTx]:
        """A block's transactions, in order."""
        rows = self._db.execute("SELECT raw, response FROM txs WHERE height = ? ORDER BY position", (height,))
        return [StoredTx(raw, TxResponse.FromString(response)) for raw, response in rows]

    def tx(self, tx_hash: bytes) -> StoredTx | None:
        """The transaction with a hash."""
        row = self._db.execute("SELECT raw, response FROM txs WHERE tx_hash = ?", (tx_hash,)).fetchone()
        return None if row is None else StoredTx(row[0], TxResponse.FromString(row[1]))

    def find_txs(self, attributes: tuple[tuple[str, str], ...]) -> list[tuple[int, int]]:
        """Height and position of the transactions that have all of these `type.key` = value attributes, ascending."""
        one = "SELECT height, position FROM attributes WHERE name = ? AND value = ? AND position >= 0"
        query = " INTERSECT ".join([one] * len(attributes)) + " ORDER BY height, position"
        return self._db.execute(query, [part for pair in attributes for part in pair]).fetchall()

    def block_events(self, height: int) -> tuple[Event, ...]:
        """What a block told besides its transactions: the deadlines that fell on it."""
        row = self._db.execute("SELECT events FROM block_events WHERE height = ?", (height,)).fetchone()
        found = [] if row is None else json.loads(row[0])
        return tuple(Event(kind, tuple((key, value) for key, value in attributes)) for kind, attributes in found)

    def find_blocks(self, attributes: tuple[tuple[str, str], ...]) -> list[int]:
        """Heights of the blocks whose own events have all of these `type.key` = value attributes, ascending."""
        one = f"SELECT height FROM attributes WHERE name = ? AND value = ? AND position = {_NO_TX}"
        query = " INTERSECT ".join([one] * len(attributes)) + " ORDER BY height"
        rows = self._db.execute(query, [part for pair in attributes for part in pair])
        return [height for (height,) in rows]

    def place(self, tx_hash: bytes) -> tuple[int, int] | None:
        """Height and position of the transaction with a hash."""
        row = self._db.execute("SELECT height, position FROM txs WHERE tx_hash = ?", (tx_hash,)).fetchone()
        return None if row is None else (row[0], row[1])

    def places(self, low: int, high: int) -> list[tuple[int, int]]:
        """Height and position of the transactions in blocks `low` to `high`, ascending."""
        query = "SELECT height, position FROM txs WHERE height BETWEEN ? AND ? ORDER BY height, position"
        return self._db.execute(query, (low, high)).fetchall()

    def tx_at(self, height: int, position: int) -> StoredTx:
        """The transaction at a place in a block."""
        row = self._db.execute(
            "SELECT raw, response FROM txs WHERE height = ? AND position = ?", (height, position)
        ).fetchone()
        if row is None:
            raise ChainCorrupt(str(self.path), f"the index names transaction {height}/{position}, which is not there")
        return StoredTx(row[0], TxResponse.FromString(row[1]))

    def close(self) -> None:
        """Write the log back into the file and release it."""
        self._db.close()


def open_store(path: Path, genesis: Genesis) -> Store:
    """Open a chain's database, making it with block 0 when there is none.

    Raises:
        ChainCorrupt: the file is no chain's, of another genesis, or its content does not hash to its last block.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            _create(connection, genesis)
        _upgrade(connection)
        return Store(connection, path, _checked_head(connection, path, genesis))
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ChainCorrupt(str(path), str(error)) from error
    except ChainCorrupt:
        connection.close()
        raise


def _create(connection: sqlite3.Connection, genesis: Genesis) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        _insert(connection, genesis_block(genesis))
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring the schema of an older program to this one's; the state has migrations of its own."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == 1:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_BLOCK_EVENTS)
            connection.execute(f"PRAGMA user_version = {VERSION}")


def _insert(connection: sqlite3.Connection, executed: Executed) -> None:
    block = executed.block
    connection.execute(
        "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            block.height,
            block.time_ns,
            block.parent_hash,
            block.data_hash,
            block.results_hash,
            block.app_hash,
            block.state_sum.to_bytes(32, "big"),
            block.block_hash,
        ),
    )
    for position, (raw, outcome) in enumerate(zip(executed.txs, executed.outcomes, strict=True)):
        tx_hash = hashlib.sha256(raw).digest()
        response = tx_response(tx_hash, block.height, block.time_ns, outcome)
        connection.execute(
            "INSERT INTO txs VALUES (?, ?, ?, ?, ?)",
            (block.height, position, tx_hash, raw, response.SerializeToString(deterministic=True)),
        )
        _index(connection, outcome.events, block.height, position)
    if executed.events:
        _index(connection, executed.events, block.height, _NO_TX)
        told = json.dumps([(event.type, event.attributes) for event in executed.events])
        connection.execute("INSERT INTO block_events VALUES (?, ?)", (block.height, told))
    gone = [(key,) for key, value in executed.writes.items() if value is None]
    connection.executemany("DELETE FROM state WHERE key = ?", gone)
    kept = [(key, value) for key, value in executed.writes.items() if value is not None]
    connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", kept)


def _index(connection: sqlite3.Connection, events: tuple[Event, ...], height: int, position: int) -> None:
    rows = {(f"{event.type}.{key}", value) for event in events for key, value in event.attributes}
    connection.executemany(
        "INSERT INTO attributes VALUES (?, ?, ?, ?)",
        [(name, value, height, position) for name, value in sorted(rows)],
    )


def _checked_head(connection: sqlite3.Connection, path: Path, genesis: Genesis) -> Block:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise ChainCorrupt(str(path), f"its schema is version {version}, this program reads {VERSION}")
    chain, parent = identity_of(genesis), None
    for row in connection.execute("SELECT * FROM blocks ORDER BY height"):
        block = _block(row)
        expected = (0, b"") if parent is None else (parent.height + 1, parent.block_hash)
        if (block.height, block.parent_hash) != expected or hash_of(chain, block) != block.block_hash:
            raise ChainCorrupt(str(path), f"block {block.height} does not follow from the one before")
        if parent is None and block != genesis_block(genesis).block:
            raise ChainCorrupt(str(path), "block 0 does not follow from the genesis")
        parent = block
    if parent is None:
        raise ChainCorrupt(str(path), "it has no block")
    _check_txs(connection, path, parent.height)
    if full_sum(connection.execute("SELECT key, value FROM state")) != parent.state_sum:
        raise ChainCorrupt(str(path), f"the state is not that of its last block, {parent.height}")
    return parent


def _check_txs(connection: sqlite3.Connection, path: Path, height: int) -> None:
    """Compare the last blocks' transactions with their headers; older ones are compared when they are replayed."""
    last = connection.execute("SELECT max(height) FROM txs").fetchone()[0]
    if last is not None and last > height:
        raise ChainCorrupt(str(path), f"it has transactions of block {last}, but the last block is {height}")
    for low in range(max(0, height - _CHECKED_BLOCKS), height + 1):
        (expected,) = connection.execute("SELECT data_hash FROM blocks WHERE height = ?", (low,)).fetchone()
        rows = connection.execute("SELECT raw, tx_hash FROM txs WHERE height = ? ORDER BY position", (low,)).fetchall()
        wrong = any(hashlib.sha256(raw).digest() != tx_hash for raw, tx_hash in rows)
        if wrong or data_hash([raw for raw, _ in rows]) != expected:
            raise ChainCorrupt(str(path), f"the transactions of block {low} are not those of its header")


def _block(row: tuple[int, int, bytes, bytes, bytes, bytes, bytes, bytes]) -> Block:
    height, time_ns, parent, data, results, app, total, hashed = row
    return Block(height, time_ns, parent, data, results, app, int.from_bytes(total, "big"), hashed)
