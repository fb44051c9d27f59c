"""Pins: one empty file a pinned root, named by its CID."""

from __future__ import annotations

import os
from pathlib import Path

from r3mes_ray.content.files import sync_folder
from r3mes_ray.protocol.cid import CidParts, parse_cid


class Pins:
    """The pinned roots of one store folder. A pin survives a crash once `add` has returned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def all(self) -> frozenset[CidParts]:
        """Every pinned root.

        Raises:
            InvalidCid: a file in the folder is no pin.
        """
        return frozenset(parse_cid(name) for name in os.listdir(self._folder))

    def holds(self, root: CidParts) -> bool:
        """Whether a root is pinned itself (not only as a part of another)."""
        return (self._folder / root.text).exists()

    def add(self, root: CidParts) -> None:
        """Pin a root. Idempotent."""
        descriptor = os.open(self._folder / root.text, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self._folder)

    def remove(self, root: CidParts) -> None:
        """Unpin a root. Idempotent."""
        (self._folder / root.text).unlink(missing_ok=True)
        sync_folder(self._folder)
