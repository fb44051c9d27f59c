"""What an operator does to the embedded store beside the port's verbs; other stores have tools of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from r3mes_ray.types import Cid


@dataclass(frozen=True, slots=True)
class Collected:
    """What one garbage collection removed."""

    blocks: int
    bytes: int


@dataclass(frozen=True, slots=True)
class IncompletePin:
    """A pinned root of which a block is missing or damaged."""

    root: Cid
    block: Cid
    reason: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of a whole store found.

    Attributes:
        blocks: files that were read and hashed.
        bytes: their sizes together.
        damaged: blocks that do not have the hash of their name; as raw CIDs where nothing says what they were.
        incomplete: pinned content that cannot be read, with the first block that is in the way.
    """

    blocks: int
    bytes: int
    damaged: tuple[Cid, ...]
    incomplete: tuple[IncompletePin, ...]


class Upkeep(Protocol):
    """Care for the blocks on this machine. Safe beside readers and writers in other processes."""

    async def pins(self) -> tuple[Cid, ...]:
        """Every pinned root, in the order of the text."""
        ...

    async def collect(self) -> Collected:
        """Drop every block that no pin and no unfinished operation needs."""
        ...

    async def verify(self) -> Verified:
        """Read and hash every block, and walk every pin."""
        ...

    async def discard(self, cids: Iterable[Cid]) -> None:
        """Delete single blocks, pinned or not, so that they can be fetched or added again."""
        ...
