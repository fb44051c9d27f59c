"""A check of every block on disk against its name, in threads, and of every pin for what it needs."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from r3mes_ray.content.collector import StoreFolder
from r3mes_ray.content.graph import measure
from r3mes_ray.content.upkeep import IncompletePin, Verified
from r3mes_ray.errors import ContentCorrupt, ContentMalformed, ContentNotFound
from r3mes_ray.protocol.cid import RAW, CidParts
from r3mes_ray.types import Cid


def verify_store(store: StoreFolder) -> Verified:
    """Hash all blocks and walk all pins; blocks that others delete meanwhile are passed over."""
    files = [(digest, state.st_size) for digest, state in store.blocks.files()]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="content-verify") as pool:
        whole = list(pool.map(lambda file: _is_whole(store, file[0]), files))
    damaged = {digest for (digest, _), good in zip(files, whole, strict=True) if not good}
    named: dict[bytes, CidParts] = {}
    roots = sorted(store.pins.all(), key=lambda root: root.text)
    checks = (_check_pin(store, root, damaged, named) for root in roots)
    incomplete = [found for found in checks if found is not None]
    cids = sorted(named.get(digest, CidParts(1, RAW, digest)).text for digest in damaged)
    return Verified(len(files), sum(size for _, size in files), tuple(cids), tuple(incomplete))


def _is_whole(store: StoreFolder, digest: bytes) -> bool:
    try:
        store.blocks.read(CidParts(1, RAW, digest))
    except ContentCorrupt:
        return False
    except ContentNotFound:
        return True
    return True


def _check_pin(
    store: StoreFolder, root: CidParts, damaged: set[bytes], named: dict[bytes, CidParts]
) -> IncompletePin | None:
    def raw_size(cid: CidParts) -> int:
        size = store.blocks.size(cid.digest)
        if size is None:
            raise ContentNotFound(cid.text)
        if cid.digest in damaged:
            raise ContentCorrupt(cid.text, str(store.blocks.path(cid.digest)))
        return size

    def read(cid: CidParts) -> bytes:
        if cid.digest in damaged:
            named[cid.digest] = cid
        return store.blocks.read(cid)

    try:
        measure(root, read, raw_size, {})
    except (ContentNotFound, ContentCorrupt, ContentMalformed) as error:
        return IncompletePin(root.text, Cid(error.cid), str(error))
    return None
