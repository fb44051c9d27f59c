"""The node's gains of DoRAs; in a file of its own, as the gateway imports the rest of this folder without torch."""

from __future__ import annotations

from pathlib import Path

from r3mes_ray.models.gains import GainCache
from r3mes_ray.settings import Settings

FOLDER = Path("serving", "gains")
"""Under the node's home."""


def gains_settings(settings: Settings) -> dict[str, str | int]:
    """The same for the plugin in a process of its own."""
    return {"gains_dir": str(settings.home / FOLDER), "gains_bytes": settings.serving.gains_mb * 2**20}


def open_gains(settings: Settings, base_hash: str) -> GainCache:
    """All engines of a node share the files, and these outlast them."""
    return GainCache(base_hash, settings.home / FOLDER, settings.serving.gains_mb * 2**20)
