"""The embedded store: blocks in a folder, safe for several processes at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from r3mes_ray.content.base import DEFAULT_LIMITS, ContentStat, Limits, Progress, unheard
from r3mes_ray.content.blocks import Take
from r3mes_ray.content.collector import StoreFolder, collect
from r3mes_ray.content.disk_writer import DiskWriter
from r3mes_ray.content.exporter import export
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_car import car_first
from r3mes_ray.content.graph import measure
from r3mes_ray.content.importer import import_path
from r3mes_ray.content.layered import ReadThrough
from r3mes_ray.content.profile import UNIXFS_V1_2025, ImportProfile
from r3mes_ray.content.threads import in_pool
from r3mes_ray.content.upkeep import Collected, Verified
from r3mes_ray.content.verifier import verify_store
from r3mes_ray.errors import ContentNotFound
from r3mes_ray.protocol.cid import CidParts, parse_cid
from r3mes_ray.types import Cid


class DiskStore:
    """`ContentStore` and `Upkeep` over one folder, which is made where it is missing."""

    def __init__(
        self,
        root: Path,
        max_bytes: int,
        peers: Gateways | None = None,
        profile: ImportProfile = UNIXFS_V1_2025,
    ) -> None:
        self._store = StoreFolder.open(root)
        self._max_bytes, self._peers, self._profile = max_bytes, peers, profile
        # As many as can hash at a time, and one that waits for the disk: each keeps a buffer of a block.
        self._readers = ThreadPoolExecutor(len(os.sched_getaffinity(0)) + 1, thread_name_prefix="content-read")

    async def add(self, source: Path) -> Cid:
        """See `ContentStore.add`."""
        return await asyncio.to_thread(self._add, source)

    async def get(self, cid: Cid, target: Path, limits: Limits = DEFAULT_LIMITS, progress: Progress = unheard) -> None:
        """See `ContentStore.get`. Blocks that are not here are fetched from the peers, and kept unpinned."""
        root = parse_cid(cid)
        if self._peers is None:
            await export(root, self, target, limits, progress)
            return
        async with car_first(self._peers, root) as remote:
            with DiskWriter(self._store, self._max_bytes) as writer:
                await export(root, ReadThrough(self, remote, writer), target, limits, progress)

    async def pin(self, cid: Cid) -> None:
        """See `ContentStore.pin`."""
        await asyncio.to_thread(self._pin, parse_cid(cid))

    async def unpin(self, cid: Cid) -> None:
        """See `ContentStore.unpin`."""
        await asyncio.to_thread(self._store.pins.remove, parse_cid(cid))

    async def stat(self, cid: Cid) -> ContentStat:
        """See `ContentStore.stat`."""
        return await asyncio.to_thread(self._stat, parse_cid(cid))

    async def read(self, cid: CidParts) -> bytes:
        """One verified block, as a `BlockSource`; its last use becomes now."""
        return await asyncio.to_thread(self._read, cid)

    async def carry(self, cids: Sequence[CidParts], take: Take) -> None:
        """Verified blocks in their order, as a `BlockCarrier`; their last use becomes now."""
        await in_pool(self._readers, partial(self._carry, cids, take))

    async def pins(self) -> tuple[Cid, ...]:
        """See `Upkeep.pins`."""
        roots = await asyncio.to_thread(self._store.pins.all)
        return tuple(sorted(root.text for root in roots))

    async def collect(self) -> Collected:
        """See `Upkeep.collect`."""
        return await asyncio.to_thread(collect, self._store, 0)

    async def verify(self) -> Verified:
        """See `Upkeep.verify`."""
        return await asyncio.to_thread(verify_store, self._store)

    async def discard(self, cids: Iterable[Cid]) -> None:
        """See `Upkeep.discard`."""
        await asyncio.to_thread(self._discard, [parse_cid(cid).digest for cid in cids])

    def _add(self, source: Path) -> Cid:
        with DiskWriter(self._store, self._max_bytes) as writer:
            root = import_path(source, self._profile, writer).cid
            writer.pin(root)
        return root.text

    def _discard(self, digests: list[bytes]) -> None:
        with self._store.lock.held():
            freed = sum(self._store.blocks.delete(digest) for digest in digests)
            self._store.usage.record(max(0, self._store.usage.bytes() - freed))

    def _pin(self, root: CidParts) -> None:
        with DiskWriter(self._store, self._max_bytes) as writer:
            measure(root, writer.read, writer.keep, {})
            writer.pin(root)

    def _stat(self, root: CidParts) -> ContentStat:
        blocks: dict[CidParts, int] = {}
        file_bytes = measure(root, self._store.blocks.read, self._raw_size, blocks)
        return ContentStat(root.text, file_bytes, len(blocks), self._store.pins.holds(root))

    def _raw_size(self, cid: CidParts) -> int:
        size = self._store.blocks.size(cid.digest)
        if size is None:
            raise ContentNotFound(cid.text)
        return size

    def _read(self, cid: CidParts) -> bytes:
        block = self._store.blocks.read(cid)
        self._store.blocks.touch(cid.digest)
        return block

    def _carry(self, cids: Sequence[CidParts], take: Take) -> None:
        for index, cid in enumerate(cids):
            take(index, self._store.blocks.view(cid))
            self._store.blocks.touch(cid.digest)
