"""What several tests of the content room share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from r3mes_ray.content.blocks import verify_block
from r3mes_ray.errors import ContentNotFound
from r3mes_ray.protocol.cid import DAG_PB, CidParts


class MemoryBlocks:
    """A `BlockSource` and `BlockSink` in a dictionary; `reads` counts what was asked for."""

    def __init__(self) -> None:
        self.blocks: dict[bytes, bytes] = {}
        self.reads = 0

    def write(self, cid: CidParts, block: bytes) -> None:
        assert hashlib.sha256(block).digest() == cid.digest
        self.blocks[cid.digest] = block

    def put(self, block: bytes, codec: int = DAG_PB) -> CidParts:
        cid = CidParts(1, codec, hashlib.sha256(block).digest())
        self.blocks[cid.digest] = block
        return cid

    async def read(self, cid: CidParts) -> bytes:
        self.reads += 1
        if cid.digest not in self.blocks:
            raise ContentNotFound(cid.text)
        return verify_block(cid, self.blocks[cid.digest], "memory")


@pytest.fixture
def memory() -> MemoryBlocks:
    return MemoryBlocks()


@pytest.fixture(scope="session")
def new_memory() -> type[MemoryBlocks]:
    return MemoryBlocks


@pytest.fixture
def keystream() -> Callable[[int, str], bytes]:
    """First bytes of the ChaCha20 keystream whose key is the SHA-256 of a seed, as kubo's tests make their files."""

    def make(size: int, seed: str) -> bytes:
        key = hashlib.sha256(seed.encode()).digest()
        return Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(size))

    return make


@pytest.fixture(scope="session")
def golden_cids() -> dict[str, dict[str, str]]:
    path = Path(__file__).parents[2] / "golden" / "cids.json"
    vectors: dict[str, dict[str, str]] = json.loads(path.read_text())["vectors"]
    return vectors
