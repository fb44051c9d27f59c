"""Single blocks, below the port: where they come from, where they go, and the check that each one passes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from r3mes_ray.content.threads import in_thread
from r3mes_ray.errors import ContentCorrupt
from r3mes_ray.protocol.cid import CidParts

Block = TypeVar("Block", bytes, memoryview)

MAX_BLOCK_BYTES = 2 * 2**20
"""Largest block that is read or written; the limit of bitswap and of gateways."""

_HASHED_AT_ONCE_BYTES = 2**16


class BlockSource(Protocol):
    """Where verified blocks come from."""

    async def read(self, cid: CidParts) -> bytes:
        """The block, which has the hash of `cid`.

        Raises:
            ContentNotFound: it is not here.
            ContentCorrupt: what is here has another hash, or is larger than a block may be.
        """
        ...


Take = Callable[[int, memoryview], None]
"""Takes one of several blocks by its index; called in threads. The bytes are valid until it returns."""


@runtime_checkable
class BlockCarrier(BlockSource, Protocol):
    """A `BlockSource` that hands blocks on in the thread which has read them, without copies of its own."""

    async def carry(self, cids: Sequence[CidParts], take: Take) -> None:
        """Call `take` with each block, verified, in any order; a few at a time spare hops between threads.

        When this is cancelled it ends only after the last `take` has. Raises as `read` does, and what `take` raises.
        """
        ...


async def carry(source: BlockSource, cids: Sequence[CidParts], take: Take) -> None:
    """`BlockCarrier.carry` for any source."""
    if isinstance(source, BlockCarrier):
        await source.carry(cids, take)
        return
    for index, cid in enumerate(cids):
        await in_thread(take, index, memoryview(await source.read(cid)))


class BlockSink(Protocol):
    """Where new blocks go; called from several threads at a time."""

    def write(self, cid: CidParts, block: bytes) -> None:
        """Keep a block whose hash is that of `cid`. Writing it again does nothing."""
        ...


class NoSink:
    """Keeps nothing: for computing a CID."""

    def write(self, cid: CidParts, block: bytes) -> None:
        """Drop the block."""


def verify_block(cid: CidParts, block: Block, source: str) -> Block:
    """Return `block` if it has the hash of `cid`; `source` says in the error where it came from.

    Raises:
        ContentCorrupt: another hash, or more than `MAX_BLOCK_BYTES`.
    """
    if len(block) > MAX_BLOCK_BYTES or hashlib.sha256(block).digest() != cid.digest:
        raise ContentCorrupt(cid.text, source)
    return block


async def verify_arrived(cid: CidParts, block: bytes, source: str) -> bytes:
    """`verify_block` beside the event loop, so that others are answered while a large block is hashed."""
    if len(block) < _HASHED_AT_ONCE_BYTES:
        return verify_block(cid, block, source)
    return await asyncio.to_thread(verify_block, cid, block, source)
