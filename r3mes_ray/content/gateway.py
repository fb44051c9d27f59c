"""Blocks from trustless gateways: any of them may lie, stall or vanish, and none of that reaches the caller.

Source: IPFS trustless gateway specification. One block is `GET /ipfs/{cid}?format=raw`, whose body must have the hash
of its CID. The next gateway is asked when one fails, or when it is slow (hedging); the first verified answer wins. A
gateway that fails rests for a growing time; one that sends wrong bytes is not asked again by this process.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from r3mes_ray.content.blocks import MAX_BLOCK_BYTES, verify_arrived
from r3mes_ray.content.car import read_car
from r3mes_ray.errors import (
    ConfigError,
    ContentCorrupt,
    ContentError,
    ContentNotFound,
    ContentTimeout,
    ContentUnavailable,
)
from r3mes_ray.protocol.cid import CidParts

RAW_BLOCK, CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"
_SLOWEST_BYTES_PER_S = 32 * 1024
_LONGEST_REST_S = 60.0
_MOST_MISSES = 8
_HOST = re.compile(r"[0-9A-Za-z.:_-]+")


@dataclass(slots=True)
class _Gateway:
    url: str
    failures: int = 0
    ready_at: float = 0.0
    misses: int = 0
    running: int = 0
    liar: bool = False


class Gateways:
    """Several gateways and what is known of their health; `connect` gives a `BlockSource` for one event loop."""

    def __init__(
        self,
        urls: Iterable[str],
        timeout_s: float,
        hedge_after_s: float = 0.5,
        token: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        learned: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._gateways = [_Gateway(_checked_url(url)) for url in urls]
        self._learned = learned
        self._timeout_s, self._hedge_after_s, self._clock = timeout_s, hedge_after_s, clock
        self._headers = {"Accept": RAW_BLOCK, "Accept-Encoding": "identity"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[GatewayBlocks]:
        """Open connections, also to gateways that were `learned` since; they are closed on leaving."""
        self._learn()
        tls = _tls(gateway.url for gateway in self._gateways)
        async with httpx.AsyncClient(headers=self._headers, timeout=self._timeout_s, verify=tls) as client:
            yield GatewayBlocks(self, client)

    def _learn(self) -> None:
        known = {gateway.url for gateway in self._gateways}
        for url in self._learned():
            with suppress(ConfigError):  # What others announce may be anything.
                if (checked := _checked_url(url)) not in known:
                    self._gateways.append(_Gateway(checked))
                    known.add(checked)

    def candidates(self) -> list[_Gateway]:
        """Whom to ask: the healthy before those that fail, then who has content, then who has least to do.

        Resting ones are asked only when nobody else is left, liars never.
        """
        honest = [gateway for gateway in self._gateways if not gateway.liar]
        rested = [gateway for gateway in honest if gateway.ready_at <= self._clock()]
        return sorted(rested or honest, key=lambda gateway: (gateway.failures, gateway.misses, gateway.running))

    def note(self, gateway: _Gateway, error: ContentError | None) -> None:
        """Remember how a request ended."""
        if error is None or isinstance(error, ContentNotFound):
            gateway.failures, gateway.ready_at = 0, 0.0
            gateway.misses = 0 if error is None else min(gateway.misses + 1, _MOST_MISSES)
            return
        gateway.liar = isinstance(error, ContentCorrupt)
        gateway.failures += 1
        gateway.ready_at = self._clock() + min(_LONGEST_REST_S, 2.0 ** (gateway.failures - 1))

    async def fetch(self, client: httpx.AsyncClient, gateway: _Gateway, cid: CidParts) -> bytes:
        """One verified block from one gateway, whatever it sends."""
        gateway.running += 1
        try:
            async with asyncio.timeout(self._slowest_s), client.stream("GET", _block_url(gateway, cid)) as response:
                _check_head(gateway.url, cid, response, RAW_BLOCK)
                block = await _body(gateway.url, response)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ContentTimeout(cid.text, self._timeout_s) from error
        except httpx.HTTPError as error:
            raise ContentUnavailable(gateway.url, str(error) or type(error).__name__) from error
        finally:
            gateway.running -= 1
        return await verify_arrived(cid, block, gateway.url)

    async def fetch_car(
        self, client: httpx.AsyncClient, gateway: _Gateway, root: CidParts
    ) -> AsyncGenerator[tuple[CidParts, bytes]]:
        """Verified blocks from one gateway's CAR of all below `root`, in its order; see `read_car`."""
        request = client.stream(
            "GET", f"{gateway.url}/ipfs/{root.text}?format=car&dag-scope=all", headers={"Accept": CAR}
        )
        try:
            async with request as response:
                _check_head(gateway.url, root, response, CAR)
                async with aclosing(read_car(response.aiter_raw(), gateway.url)) as sections:
                    while True:
                        async with asyncio.timeout(self._slowest_s):
                            section = await anext(sections, None)
                        if section is None:
                            return
                        yield section
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ContentTimeout(root.text, self._timeout_s) from error
        except httpx.HTTPError as error:
            raise ContentUnavailable(gateway.url, str(error) or type(error).__name__) from error

    @property
    def _slowest_s(self) -> float:
        return self._timeout_s + MAX_BLOCK_BYTES / _SLOWEST_BYTES_PER_S

    @property
    def hedge_after_s(self) -> float:
        """How long one gateway is waited for before the next is asked as well."""
        return self._hedge_after_s


class GatewayBlocks:
    """A `BlockSource` over gateways, valid while its connection is open."""

    def __init__(self, gateways: Gateways, client: httpx.AsyncClient) -> None:
        self._gateways, self._client = gateways, client

    async def read(self, cid: CidParts) -> bytes:
        """One verified block, from whoever is first.

        Raises:
            ContentNotFound: every gateway says that it does not have it.
            ContentTimeout, ContentUnavailable, ContentCorrupt: how the last gateway failed that did not say so.
        """
        waiting = self._gateways.candidates()
        running: dict[asyncio.Task[bytes], _Gateway] = {}
        failure: ContentError = ContentNotFound(cid.text)
        try:
            while waiting or running:
                if waiting:
                    gateway = waiting.pop(0)
                    running[asyncio.create_task(self._gateways.fetch(self._client, gateway, cid))] = gateway
                patience = self._gateways.hedge_after_s if waiting else None
                done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    error = self._settle(running.pop(task), task)
                    if error is None:
                        return task.result()
                    failure = failure if isinstance(error, ContentNotFound) else error
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        raise failure

    async def car(self, root: CidParts) -> AsyncGenerator[tuple[CidParts, bytes]]:
        """Verified blocks below `root` as the healthiest gateway that has it sends them, in its order.

        Ends without an error, and early, where it is slow to begin or fails: blocks that are missing are `read`.
        """
        for gateway in self._gateways.candidates():
            try:
                async with aclosing(self._gateways.fetch_car(self._client, gateway, root)) as sections:
                    async with asyncio.timeout(self._gateways.hedge_after_s):
                        first = await anext(sections)
                    yield first
                    async for section in sections:
                        yield section
            except ContentNotFound:
                continue
            except ContentError as error:
                self._gateways.note(gateway, error)
            except (TimeoutError, StopAsyncIteration):
                pass
            return

    def _settle(self, gateway: _Gateway, task: asyncio.Task[bytes]) -> ContentError | None:
        error = task.exception()
        if error is not None and not isinstance(error, ContentError):
            raise error
        self._gateways.note(gateway, error)
        return error


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError("content", f"{url!r} is no URL: {error}") from error
    extra = parsed.userinfo or parsed.query or parsed.fragment
    if parsed.scheme not in ("http", "https") or not _HOST.fullmatch(parsed.host) or extra:
        raise ConfigError("content", f"{url!r} is no base URL of a gateway; expected http(s)://host[:port]")
    return url.rstrip("/")


def _tls(urls: Iterable[str]) -> ssl.SSLContext:
    """Trust for https; reading the authorities takes 0.1 s and is spared where no URL needs them."""
    if any(url.startswith("https:") for url in urls):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _block_url(gateway: _Gateway, cid: CidParts) -> str:
    return f"{gateway.url}/ipfs/{cid.text}?format=raw"


def _check_head(url: str, cid: CidParts, response: httpx.Response, wanted: str) -> None:
    if response.status_code in (404, 410):
        raise ContentNotFound(cid.text)
    if response.is_redirect:
        raise ContentUnavailable(url, "answers with a redirect, which is not followed")
    if response.status_code != 200:
        raise ContentUnavailable(url, f"answers with status {response.status_code}")
    kind = response.headers.get("content-type", "nothing").partition(";")[0].strip()
    if kind != wanted:
        raise ContentUnavailable(url, f"sends {kind[:50]} where {wanted} was asked for")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ContentUnavailable(url, "compresses its answer although that was not asked for")


async def _body(url: str, response: httpx.Response) -> bytes:
    parts = bytearray()
    async for part in response.aiter_raw(2**16):
        parts += part
        if len(parts) > MAX_BLOCK_BYTES:
            raise ContentUnavailable(url, f"sends more than the {MAX_BLOCK_BYTES} bytes that a block may have")
    return bytes(parts)
