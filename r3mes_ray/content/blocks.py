"""Single blocks, below the port: where they come from, where they go, and the check that each one passes."""

from __future__ import annotations

import hashlib
from typing import Protocol

from r3mes_ray.errors import ContentCorrupt
from r3mes_ray.protocol.cid import CidParts

MAX_BLOCK_BYTES = 2 * 2**20
"""Largest block that is read or written; the limit of bitswap and of gateways."""


class BlockSource(Protocol):
    """Where verified blocks come from."""

    async def read(self, cid: CidParts) -> bytes:
        """The block, which has the hash of `cid`.

        Raises:
            ContentNotFound: it is not here.
            ContentCorrupt: what is here has another hash, or is larger than a block may be.
        """
        ...


class BlockSink(Protocol):
    """Where new blocks go; called from several threads at a time."""

    def write(self, cid: CidParts, block: bytes) -> None:
        """Keep a block whose hash is that of `cid`. Writing it again does nothing."""
        ...


class NoSink:
    """Keeps nothing: for computing a CID."""

    def write(self, cid: CidParts, block: bytes) -> None:
        """Drop the block."""


def verify_block(cid: CidParts, block: bytes, source: str) -> bytes:
    """Return `block` if it has the hash of `cid`; `source` says in the error where it came from.

    Raises:
        ContentCorrupt: another hash, or more than `MAX_BLOCK_BYTES`.
    """
    if len(block) > MAX_BLOCK_BYTES or hashlib.sha256(block).digest() != cid.digest:
        raise ContentCorrupt(cid.text, source)
    return block
