"""Content by address: `open_store` gives the store that the settings choose."""

from __future__ import annotations

from typing import assert_never

from r3mes_ray.content.base import DEFAULT_LIMITS, ContentStat, ContentStore, Limits
from r3mes_ray.content.blocks import BlockSource
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_store import GatewayStore
from r3mes_ray.content.importer import cid_of_path
from r3mes_ray.content.mirrored import MirroredStore
from r3mes_ray.content.peers import PeerFile
from r3mes_ray.content.profile import profile_named
from r3mes_ray.content.upkeep import Upkeep
from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import ContentSettings, DiskContent, GatewayContent, KuboContent, Settings

__all__ = [
    "DEFAULT_LIMITS",
    "ContentStat",
    "ContentStore",
    "Limits",
    "cid_of_path",
    "open_blocks",
    "open_peers",
    "open_served",
    "open_store",
    "open_upkeep",
    "profile_named",
]


def open_store(settings: Settings) -> ContentStore:
    """The content store of this node, with its mirrors."""
    first = _open(settings, settings.content)
    mirrors = [_open(settings.model_copy(update={"content": content}), content) for content in settings.content_mirrors]
    return MirroredStore((first, *mirrors)) if mirrors else first


def _open(settings: Settings, content: ContentSettings) -> ContentStore:
    match content:
        case DiskContent():
            return _open_disk(settings, content)
        case KuboContent(api_address=address, timeout_s=timeout_s):
            from r3mes_ray.content.kubo import KuboStore  # 80 ms that only its users pay

            return KuboStore(address, timeout_s)
        case GatewayContent(urls=urls, timeout_s=timeout_s):
            return GatewayStore(Gateways(urls, timeout_s))
        case other:
            assert_never(other)


def open_upkeep(settings: Settings) -> Upkeep:
    """The embedded store of this node, for its operator.

    Raises:
        ConfigError: this node keeps its content elsewhere.
    """
    return _embedded(settings)


def open_blocks(settings: Settings) -> BlockSource:
    """The blocks that are on this machine, for serving them to others.

    Raises:
        ConfigError: this node keeps its content elsewhere.
    """
    return _embedded(settings)


def open_peers(settings: Settings) -> PeerFile:
    """The peers that this node's store asks, beside those of the settings."""
    return PeerFile(settings.content_path / "peers")


def open_served(settings: Settings) -> PeerFile:
    """Where this store is served to others itself: it need not be asked for what is not here."""
    return PeerFile(settings.content_path / "served_at")


def _embedded(settings: Settings) -> DiskStore:
    match settings.content:
        case DiskContent():
            return _open_disk(settings, settings.content)
        case KuboContent() | GatewayContent():
            raise ConfigError("content.kind", f"{settings.content.kind} content is not kept by this node")
        case other:
            assert_never(other)


def _open_disk(settings: Settings, content: DiskContent) -> DiskStore:
    peers = Gateways(content.peers, content.peer_timeout_s, learned=open_peers(settings).read)
    return DiskStore(settings.content_path, content.max_bytes, peers)
