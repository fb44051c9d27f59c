"""Garbage collection: what no pin and no unfinished operation needs, least recently used first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.content.disk_blocks import DiskBlocks
from r3mes_ray.content.files import sync_folder
from r3mes_ray.content.graph import measure
from r3mes_ray.content.lease import StoreLock, leased_digests, living_leases
from r3mes_ray.content.pins import Pins
from r3mes_ray.content.upkeep import Collected
from r3mes_ray.content.usage import Usage
from r3mes_ray.protocol.cid import CidParts


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """The parts of one store on disk, shared by everything that works on it."""

    blocks: DiskBlocks
    pins: Pins
    usage: Usage
    lock: StoreLock
    leases: Path
    temporary: Path

    @staticmethod
    def open(root: Path) -> StoreFolder:
        """The store at `root`; folders that are missing are made."""
        blocks = DiskBlocks(root / "blocks")
        for folder in (root / "leases", root / "tmp"):
            folder.mkdir(exist_ok=True)
        usage, pins = Usage(root / "used_bytes", blocks), Pins(root / "pins")
        sync_folder(root)
        return StoreFolder(blocks, pins, usage, StoreLock(root / "lock"), root / "leases", root / "tmp")


def collect(store: StoreFolder, keep_bytes: int) -> Collected:
    """Drop unprotected blocks until at most `keep_bytes` are left, or all of them are gone.

    Pins are walked without the lock, and again for those that came meanwhile; only the deletion stops writers.

    Raises:
        ContentNotFound, ContentCorrupt: an inner node of pinned content cannot be read, so that what it needs is
            unknown; nothing was deleted.
    """
    needed: dict[CidParts, int] = {}
    walked: frozenset[CidParts] = frozenset()
    while True:
        for root in store.pins.all() - walked:
            measure(root, store.blocks.read, lambda cid: 0, needed)
            walked |= {root}
        with store.lock.held():
            if store.pins.all() <= walked:
                protected = {cid.digest for cid in needed} | leased_digests(store.leases)
                _drop_leftovers(store)
                return _sweep(store, protected, keep_bytes)


def _sweep(store: StoreFolder, protected: set[bytes], keep_bytes: int) -> Collected:
    files = list(store.blocks.files())
    used = sum(state.st_size for _, state in files)
    blocks = freed = 0
    for digest, _ in sorted(files, key=lambda file: file[1].st_mtime_ns):
        if used - freed <= keep_bytes:
            break
        if digest not in protected:
            freed += store.blocks.delete(digest)
            blocks += 1
    store.usage.record(used - freed)
    return Collected(blocks, freed)


def _drop_leftovers(store: StoreFolder) -> None:
    living = living_leases(store.leases)
    for name in os.listdir(store.temporary):
        if name.partition(".")[0] not in living:
            (store.temporary / name).unlink(missing_ok=True)
