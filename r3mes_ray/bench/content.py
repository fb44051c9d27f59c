"""Import and verified reading of content, as a share of what the cores can hash; beside js-ipfs where it is here.

The share is given by the clock and by the time that processors spend, which other work on the machine hardly changes.
A fetch from a peer runs against a content server in a process of its own on the same cores, as js-ipfs' does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import ipfshttpclient

from r3mes_ray.bench.js_ipfs import JsIpfs
from r3mes_ray.bench.report import Report, Row, machine, row
from r3mes_ray.content import cid_of_path
from r3mes_ray.content.base import ContentStore, Limits
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_store import GatewayStore
from r3mes_ray.content.walk import walk
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.settings import Settings
from r3mes_ray.types import Cid

FILE_MIB = 128
RUNS = 5
_MIB = 2**20
_R3MES = (sys.executable, "-m", "r3mes_ray.cli.main")
_CACHE = Path(".cache") / "npm"


@dataclass(frozen=True, slots=True)
class _Case:
    """One kind of run and the peer's in the same rounds; `is_share` when both are done by this process alone."""

    name: str
    ours: Callable[[], object]
    peer: str
    theirs: Callable[[], object]
    is_share: bool = False


def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Alternate our runs with the hashing of as many bytes on all cores, and with js-ipfs' own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r3mes-bench-")))
        path = folder / "file"
        path.write_bytes(b"".join(os.urandom(_MIB) for _ in range(FILE_MIB)))
        store = DiskStore(folder / "store", 2**40)
        cid = asyncio.run(store.add(path))
        cases = [*_against_hashing(path, store, cid), *_against_js_ipfs(path, store, cid, folder, stack, say)]
        return Report(machine(), tuple(found for case in cases for found in _run(case, say)))


def _against_hashing(path: Path, store: DiskStore, cid: Cid) -> list[_Case]:
    data = path.read_bytes()
    cores = len(os.sched_getaffinity(0))

    def hashing() -> None:
        with ThreadPoolExecutor(cores) as pool:
            pieces = (memoryview(data)[at : at + _MIB] for at in range(0, len(data), _MIB))
            list(pool.map(lambda piece: hashlib.sha256(piece).digest(), pieces))

    limit = f"SHA-256 on {cores} cores"
    return [
        _Case("import (CID of a file)", lambda: cid_of_path(path), limit, hashing, is_share=True),
        _Case("verified read of a store", lambda: asyncio.run(_read(store, cid)), limit, hashing, is_share=True),
    ]


def _against_js_ipfs(
    path: Path, store: DiskStore, cid: Cid, folder: Path, stack: ExitStack, say: Callable[[str], None]
) -> list[_Case]:
    packages = next(iter(sorted(_CACHE.glob("js-ipfs-*/installed"))), None)
    if packages is None:
        say(f"js-ipfs is not in {_CACHE}: the tests of a real daemon install it")
        return []
    daemon = stack.enter_context(JsIpfs(packages.parent, folder / "js-ipfs"))
    client = stack.enter_context(ipfshttpclient.Client(daemon.api_address, timeout=120))

    def add_fresh() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            asyncio.run(DiskStore(Path(place), 2**40).add(path))

    def get(source: ContentStore) -> None:
        asyncio.run(source.get(cid, folder / "got"))
        (folder / "got").unlink()

    peer = GatewayStore(Gateways([stack.enter_context(_serving(folder))], timeout_s=30))
    theirs = {"raw_leaves": True, "chunker": f"size-{_MIB}", "opts": {"cid-version": 1}}
    root = client.add(path, **theirs)["Hash"]
    return [
        _Case("add, on disk and pinned", add_fresh, "js-ipfs add", lambda: client.add(path, **theirs)),
        _Case("get, to a synced file", lambda: get(store), "js-ipfs cat, to memory", lambda: client.cat(root)),
        _Case(
            "fetch from a peer, to a synced file", lambda: get(peer), "js-ipfs cat, to memory", lambda: client.cat(root)
        ),
    ]


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The URL of a node that serves the store in `folder`."""
    home = folder / "home"
    home.mkdir()
    (home / "config.yaml").write_text(json.dumps({"content": {"kind": "disk", "path": str(folder / "store")}}))
    command = (*_R3MES, "content", "serve", "--port", "0", "--json", "--home", str(home))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url: str = json.loads(process.stdout.readline() if process.stdout else "")["url"]
            yield url
        finally:
            process.terminate()


async def _read(store: DiskStore, cid: Cid) -> None:
    async with aclosing(walk(parse_cid(cid), store, Limits(), lambda offset, data: None)) as events:
        async for _ in events:
            pass


def _run(case: _Case, say: Callable[[str], None]) -> tuple[Row, ...]:
    runs = [(_timed(case.ours), _timed(case.theirs)) for _ in range(RUNS)]
    rates = [(FILE_MIB / ours[0], FILE_MIB / theirs[0]) for ours, theirs in runs]
    clock = _row(case, "MiB/s", rates, lower_is_better=False)
    say(f"{case.name}: {clock.value:.0f} MiB/s, {case.peer}: {clock.peer_value:.0f}")
    if not case.is_share:
        return (clock,)
    spent = [(1000 * ours[1] / FILE_MIB, 1000 * theirs[1] / FILE_MIB) for ours, theirs in runs]
    return (clock, _row(case, "processor ms/MiB", spent, lower_is_better=True))


def _row(case: _Case, unit: str, pairs: list[tuple[float, float]], *, lower_is_better: bool) -> Row:
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return row(case.name, ours, unit, lower_is_better=lower_is_better, peer=case.peer, peer_samples=theirs)


def _timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of this process' processors."""
    begun, spent = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - begun, time.process_time() - spent
