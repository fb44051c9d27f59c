"""Fetches adapter packages by CID, and checks them before anything else sees them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from r3mes_ray.content import ContentStore, Limits
from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, check_against_base, read_package
from r3mes_ray.types import AdapterId

MAX_RANK = 256
DECODERS = 2
"""Threads that decode: each may hold a package several times over, and keeps what its arena has grown to."""
MAX_PACKAGE_BYTES = 2**30
"""A larger package is refused while it is fetched."""


class PackageFetcher:
    """Content store to decoded package: the store verifies the CID, this the package's rules and its base."""

    def __init__(self, store: ContentStore, shapes: Mapping[str, tuple[int, int]], base_hash: str) -> None:
        """`shapes` has (out, in) of each layer of the base that may have an adapter."""
        self._store, self._shapes, self._base_hash = store, shapes, base_hash
        self._decoding = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")

    async def fetch(self, adapter: AdapterId) -> AdapterPackage:
        """Fetch and check a version.

        Raises:
            ContentError: it is not there, or its bytes do not have its hash.
            PackageRejected: it breaks a rule, is of another expert or base, or is not the version that the chain names.
        """
        if adapter.cid is None:
            raise PackageRejected("version", str(adapter), "version 0 is the base and has no package")
        with tempfile.TemporaryDirectory(prefix="r3mes-adapter-") as folder:
            target = Path(folder) / "package"
            await self._store.get(adapter.cid, target, Limits(max_bytes=MAX_PACKAGE_BYTES))
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._decoding, self._decoded, adapter, target)

    def _decoded(self, adapter: AdapterId, folder: Path) -> AdapterPackage:
        package = read_package(folder, max_bytes=MAX_PACKAGE_BYTES)
        found = package.manifest
        if (found.expert, found.version) != (adapter.expert, adapter.version):
            raise PackageRejected("version", str(adapter), f"the package is {found.expert}@{found.version}")
        check_against_base(package, self._shapes, self._base_hash, MAX_RANK)
        return package


def package_bytes(package: AdapterPackage) -> int:
    """What a package takes in main memory."""
    return package.nbytes
