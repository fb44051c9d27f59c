"""Trustless gateways as a store that can only be read."""

from __future__ import annotations

from pathlib import Path

from r3mes_ray.content.base import DEFAULT_LIMITS, ContentStat, Limits, Progress, unheard
from r3mes_ray.content.exporter import export
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_car import car_first
from r3mes_ray.errors import ContentNotFound, ContentReadOnly
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.types import Cid


class GatewayStore:
    """`ContentStore` over gateways. Nothing is kept: what writes raises ContentReadOnly, and `stat` finds nothing."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    async def add(self, source: Path) -> Cid:
        """Refused with ContentReadOnly."""
        raise ContentReadOnly("add")

    async def get(self, cid: Cid, target: Path, limits: Limits = DEFAULT_LIMITS, progress: Progress = unheard) -> None:
        """See `ContentStore.get`."""
        root = parse_cid(cid)
        async with car_first(self._gateways, root) as blocks:
            await export(root, blocks, target, limits, progress)

    async def pin(self, cid: Cid) -> None:
        """Refused with ContentReadOnly."""
        raise ContentReadOnly("pin")

    async def unpin(self, cid: Cid) -> None:
        """Does nothing, as nothing is pinned."""
        parse_cid(cid)

    async def stat(self, cid: Cid) -> ContentStat:
        """Raises ContentNotFound, as nothing is here."""
        raise ContentNotFound(parse_cid(cid).text)
