"""An IPFS daemon's RPC as a store.

`ipfshttpclient.connect()` refuses every daemon since 2021 by its version; `Client(address)` has no such gate and works.
It blocks, so that every call runs in a thread. Files are cut into blocks here and sent block by block, so that neither
the daemon's version nor its configured import defaults have a say in a CID; blocks that it sends are verified here.
"""

from __future__ import annotations

import asyncio
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import ipfshttpclient
from ipfshttpclient import exceptions

from r3mes_ray.content.base import DEFAULT_LIMITS, ContentStat, Limits, Progress, unheard
from r3mes_ray.content.blocks import verify_block
from r3mes_ray.content.exporter import export
from r3mes_ray.content.graph import measure
from r3mes_ray.content.importer import import_path
from r3mes_ray.content.profile import UNIXFS_V1_2025, ImportProfile
from r3mes_ray.errors import ConfigError, ContentNotFound, ContentTimeout, ContentUnavailable
from r3mes_ray.protocol.cid import RAW, CidParts, parse_cid
from r3mes_ray.types import Cid

# ipfshttpclient passes a keyword that urllib3 2 ignores and announces to refuse; the project's pin keeps 3 out.
warnings.filterwarnings("ignore", message="The 'strict' parameter is no longer needed", category=FutureWarning)

T = TypeVar("T")
_NOT_HERE = ("not found", "could not find", "no such")
_NOT_PINNED = ("not pinned", "is pinned indirectly")


class KuboStore:
    """`ContentStore` over a daemon. `pin` and `get` may fetch from the daemon's own peers, within `timeout_s`."""

    def __init__(self, api_address: str, timeout_s: float, profile: ImportProfile = UNIXFS_V1_2025) -> None:
        self._address, self._timeout_s, self._profile = api_address, timeout_s, profile
        try:
            self._client = ipfshttpclient.Client(api_address, timeout=timeout_s)
        except exceptions.AddressError as error:
            raise ConfigError("content.api_address", str(error)) from error

    async def add(self, source: Path) -> Cid:
        """See `ContentStore.add`."""
        return await asyncio.to_thread(self._add, source)

    async def get(self, cid: Cid, target: Path, limits: Limits = DEFAULT_LIMITS, progress: Progress = unheard) -> None:
        """See `ContentStore.get`."""
        await export(parse_cid(cid), self, target, limits, progress)

    async def pin(self, cid: Cid) -> None:
        """See `ContentStore.pin`."""
        await asyncio.to_thread(self._ask, cid, self._client.pin.add, parse_cid(cid).text)

    async def unpin(self, cid: Cid) -> None:
        """See `ContentStore.unpin`."""
        await asyncio.to_thread(self._unpin, parse_cid(cid).text)

    async def stat(self, cid: Cid) -> ContentStat:
        """See `ContentStore.stat`."""
        return await asyncio.to_thread(self._stat, parse_cid(cid))

    async def read(self, cid: CidParts) -> bytes:
        """One verified block, as a `BlockSource`."""
        return await asyncio.to_thread(self._block, cid)

    def _ask(self, cid: str, request: Callable[..., T], *arguments: Any) -> T:
        with self._translated(cid):
            return request(*arguments)

    def write(self, cid: CidParts, block: bytes) -> None:
        """Put one block, as a `BlockSink`; its codec and hash are passed, its address is checked."""
        codec = "raw" if cid.codec == RAW else "dag-pb"
        with self._translated(cid.text):
            answer = self._client.block.put(io.BytesIO(block), opts={"cid-codec": codec, "mhtype": "sha2-256"})
        if parse_cid(answer["Key"]).digest != cid.digest:
            raise ContentUnavailable(self._address, f"keeps block {cid.text} as {answer['Key'][:100]}")

    def _add(self, source: Path) -> Cid:
        root = import_path(source, self._profile, self).cid.text
        self._ask(root, self._client.pin.add, root)
        return root

    def _unpin(self, cid: Cid) -> None:
        try:
            with self._translated(cid):
                self._client.pin.rm(cid)
        except ContentUnavailable as error:
            if not any(sign in error.reason for sign in _NOT_PINNED):
                raise

    def _stat(self, root: CidParts) -> ContentStat:
        blocks: dict[CidParts, int] = {}
        file_bytes = measure(root, self._block, self._raw_size, blocks)
        return ContentStat(root.text, file_bytes, len(blocks), self._is_pinned(root.text))

    def _is_pinned(self, cid: Cid) -> bool:
        try:
            with self._translated(cid):
                return bool(self._client.pin.ls(cid, type="recursive")["Keys"])
        except ContentUnavailable as error:
            if any(sign in error.reason for sign in _NOT_PINNED):
                return False
            raise

    def _block(self, cid: CidParts) -> bytes:
        with self._translated(cid.text):
            block: bytes = self._client.block.get(cid.text)
            return verify_block(cid, block, self._address)

    def _raw_size(self, cid: CidParts) -> int:
        with self._translated(cid.text):
            return int(self._client.block.stat(cid.text)["Size"])

    @contextmanager
    def _translated(self, cid: str) -> Iterator[None]:
        try:
            yield
        except exceptions.TimeoutError as error:
            raise ContentTimeout(cid, self._timeout_s) from error
        except exceptions.ErrorResponse as error:
            if any(sign in str(error).lower() for sign in _NOT_HERE):
                raise ContentNotFound(cid) from error
            raise ContentUnavailable(self._address, str(error)) from error
        except exceptions.Error as error:
            raise ContentUnavailable(self._address, str(error)) from error
