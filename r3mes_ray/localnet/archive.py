"""A chain as one file of JSON lines: its genesis, then its blocks. Reading it replays every transaction.

The file is the chain's log, not its state: whoever imports it recomputes each app hash, and a file that was changed is
refused at the block that differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, TypeVar

from pydantic import Field, ValidationError

from r3mes_ray.errors import ChainCorrupt
from r3mes_ray.localnet.blocks import Block, next_block
from r3mes_ray.localnet.genesis import Genesis, canonical
from r3mes_ray.localnet.machine import identity_of
from r3mes_ray.localnet.parameters import Record
from r3mes_ray.localnet.store import Store, open_store

R = TypeVar("R", bound=Record)

MAX_LINE_BYTES = 256 * 2**20


class _Header(Record):
    format: Literal["r3mes/chain/1"]
    genesis: Genesis


class _Line(Record):
    height: Annotated[int, Field(ge=1, le=2**62)]
    time_ns: Annotated[int, Field(ge=0, le=2**63 - 1)]
    txs: tuple[str, ...]
    app_hash: str


def write_archive(genesis: Genesis, store: Store, file: BinaryIO) -> int:
    """Write all blocks; returns the last height."""
    header = b'{"format":"r3mes/chain/1","genesis":' + canonical(genesis) + b"}\n"
    file.write(header)
    for height in range(1, store.head.height + 1):
        block = store.block(height)
        if block is None:
            raise ChainCorrupt(str(store.path), f"block {height} is missing")
        file.write(_line(block, [stored.raw for stored in store.txs(height)]))
    return store.head.height


def read_archive(path: Path, database: Path) -> tuple[Genesis, int]:
    """Replay a file into a new database; returns the genesis and the last height.

    Raises:
        ChainCorrupt: a line is none, or its block does not come to the app hash that it names.
    """
    with path.open("rb") as file:
        lines = _lines(path, file)
        genesis = _parse(_Header, path, *next(lines, (1, b""))).genesis
        store = open_store(database, genesis)
        try:
            for number, raw in lines:
                _replay(path, store, genesis, _parse(_Line, path, number, raw))
            return genesis, store.head.height
        finally:
            store.close()


def _replay(path: Path, store: Store, genesis: Genesis, line: _Line) -> None:
    parent = store.head
    if line.height != parent.height + 1 or line.time_ns <= parent.time_ns:
        raise ChainCorrupt(str(path), f"block {line.height} follows block {parent.height}")
    try:
        txs = [bytes.fromhex(text) for text in line.txs]
    except ValueError as error:
        raise ChainCorrupt(str(path), f"block {line.height}: a transaction is not hex") from error
    executed = next_block(identity_of(genesis), parent, store, line.time_ns, txs)
    if executed.block.app_hash.hex() != line.app_hash:
        raise ChainCorrupt(str(path), f"replayed, block {line.height} has another app hash than the file says")
    store.append(executed)


def _line(block: Block, txs: list[bytes]) -> bytes:
    record = {
        "height": block.height,
        "time_ns": block.time_ns,
        "txs": [raw.hex() for raw in txs],
        "app_hash": block.app_hash.hex(),
    }
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := file.readline(MAX_LINE_BYTES):
        number += 1
        if not raw.endswith(b"\n"):
            raise ChainCorrupt(str(path), f"line {number} is cut off")
        yield number, raw


def _parse(kind: type[R], path: Path, number: int, raw: bytes) -> R:
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        raise ChainCorrupt(str(path), f"line {number} is no {kind.__name__[1:].lower()} of a chain's log") from error
