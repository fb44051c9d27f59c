"""Peers that were learnt, in a file beside the blocks, so that every process with this store knows them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MAX_PEERS = 256
"""More are not asked, whoever announces them."""


class PeerFile:
    """Base URLs of gateways, one a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[str, ...]:
        """The URLs; none where nothing was learnt yet."""
        try:
            return tuple(self._path.read_text().split()[:MAX_PEERS])
        except FileNotFoundError:
            return ()

    def write(self, urls: Iterable[str]) -> None:
        """Replace the URLs; a reader sees the old ones or the new ones."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text("".join(f"{url}\n" for url in urls))
        draft.replace(self._path)
