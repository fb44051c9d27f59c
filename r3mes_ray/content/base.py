"""The port of content-addressed bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from r3mes_ray.types import Cid


@dataclass(frozen=True, slots=True)
class Limits:
    """What one read may cost before it is refused.

    Attributes:
        max_bytes: bytes of files, whatever the content claims of itself.
        max_blocks: blocks that are fetched, repeated children counted each time.
        max_depth: levels of links.
        idle_timeout_s: longest time without progress.
    """

    max_bytes: int = 2**30
    max_blocks: int = 100_000
    max_depth: int = 32
    idle_timeout_s: float = 30.0


DEFAULT_LIMITS = Limits()
"""Enough for adapters and updates."""


Progress = Callable[[int], None]
"""Told how many bytes of files there are so far; called in the event loop, so it must be quick."""


def unheard(file_bytes: int) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True, slots=True)
class ContentStat:
    """What a store holds under one CID: `file_bytes` of content in `blocks` blocks, and whether it is pinned."""

    cid: Cid
    file_bytes: int
    blocks: int
    pinned: bool


class ContentStore(Protocol):
    """Files and directories by CID, as UnixFS with the profile `unixfs-v1-2025`.

    Every block is verified against its CID whenever it is read: what a caller receives has the hash it asked for.
    All verbs are safe to repeat, and safe in several processes at a time. An added or pinned CID survives a crash once
    the call has returned; content that is not pinned may be dropped at any time. A store is opened from settings where
    it is used: it is not pickled.
    """

    async def add(self, source: Path) -> Cid:
        """Import a file or directory, pin it and return its CID. Idempotent.

        Raises:
            StoreFull: pinned content fills the store.
        """
        ...

    async def get(self, cid: Cid, target: Path, limits: Limits = DEFAULT_LIMITS, progress: Progress = unheard) -> None:
        """Export verified content to `target`, a file or directory that is there completely or not at all.

        `progress` is called with the bytes of files that are verified and written so far. To cancel the task that runs
        this ends the requests of its own, and leaves nothing but blocks that have arrived.

        Raises:
            ContentNotFound: a block is in no store that was asked.
            ContentCorrupt: a block does not have its CID's hash.
            ContentMalformed: the blocks are no UnixFS file or directory.
            ContentTooLarge: a limit was reached; nothing is left behind.
            ContentTimeout: a block did not arrive within `limits.idle_timeout_s`; nothing but fetched blocks is kept.
            ContentUnavailable: a peer, gateway or daemon that was asked cannot be reached.
        """
        ...

    async def pin(self, cid: Cid) -> None:
        """Keep content that is wholly here until it is unpinned. Raises ContentNotFound for a missing block."""
        ...

    async def unpin(self, cid: Cid) -> None:
        """Let content be dropped. Unpinning what is not pinned does nothing."""
        ...

    async def stat(self, cid: Cid) -> ContentStat:
        """Size and state of content that is wholly here. Raises ContentNotFound otherwise."""
        ...
