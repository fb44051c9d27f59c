"""Content by address: `open_store` gives the store that the settings choose."""

from __future__ import annotations

from typing import assert_never

from r3mes_ray.content.base import ContentStat, ContentStore, Limits
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.importer import cid_of_path
from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import DiskContent, GatewayContent, KuboContent, Settings

__all__ = ["ContentStat", "ContentStore", "Limits", "cid_of_path", "open_store"]


def open_store(settings: Settings) -> ContentStore:
    """The content store of this node."""
    match settings.content:
        case DiskContent(max_bytes=max_bytes):
            return DiskStore(settings.content_path, max_bytes)
        case KuboContent() | GatewayContent():
            raise ConfigError("content.kind", "only the embedded store (disk) can be opened")
        case other:
            assert_never(other)
