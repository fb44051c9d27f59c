"""One embedded chain as a process: store, producer and servers, started and stopped together."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import AlreadyRunning, ChainCorrupt
from r3mes_ray.localnet.faucet.app import open_faucet
from r3mes_ray.localnet.genesis import Genesis, canonical, check_genesis, genesis_path, read_genesis
from r3mes_ray.localnet.machine import genesis_state
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.producer import Producer
from r3mes_ray.localnet.servers import Endpoints, running_servers
from r3mes_ray.localnet.store import Store, open_store
from r3mes_ray.settings import Settings


async def serve_chain(
    settings: Settings,
    genesis: Genesis,
    *,
    faucet_key: PrivateKey | None = None,
    ready: Callable[[Endpoints], None],
    stop: asyncio.Event,
) -> None:
    """Run the chain of a home until `stop` is set; continues the home's chain when there is one.

    With a key, a faucet that pays from it runs beside it.

    Raises:
        PortBusy: a port is taken.
        AlreadyRunning: another process runs the chain of this home.
        ChainMismatch, GenesisConflict: the home's chain began from another genesis.
        ChainCorrupt: the home's database was changed or torn.
    """
    folder = settings.home / "chain"
    folder.mkdir(parents=True, exist_ok=True)
    with only_process(folder / "lock", settings.home):
        node = ChainNode(*open_home(settings, genesis))
        try:
            await _serve(settings, node, faucet_key, ready, stop)
        finally:
            node.store.close()


async def _serve(
    settings: Settings,
    node: ChainNode,
    faucet_key: PrivateKey | None,
    ready: Callable[[Endpoints], None],
    stop: asyncio.Event,
) -> None:
    producer = Producer(node, settings.localnet.block_time_ms / 1000)
    faucet = None if faucet_key is None else open_faucet(settings.localnet, node, producer, faucet_key)
    async with running_servers(settings.localnet, node, producer, faucet) as servers:
        making = asyncio.create_task(producer.run())
        stopping = asyncio.create_task(stop.wait())
        try:
            ready(servers.endpoints)
            await asyncio.wait((making, servers.ended, stopping), return_when=asyncio.FIRST_COMPLETED)
            if making.done():
                making.result()
        finally:
            making.cancel()
            stopping.cancel()
            await asyncio.gather(making, stopping, return_exceptions=True)


def open_home(settings: Settings, wanted: Genesis) -> tuple[Genesis, Store]:
    """The genesis and the database of a home, which gets a new chain where it has none."""
    path = genesis_path(settings)
    database = path.parent / "chain.sqlite"
    stored = read_genesis(path)
    if stored is not None:
        check_genesis(stored, wanted, settings.home)
        return stored, open_store(database, stored)
    if database.exists():
        raise ChainCorrupt(str(database), f"its genesis, {path}, is missing")
    genesis_state(wanted)
    write_durably(path, canonical(wanted))
    return wanted, open_store(database, wanted)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that after any crash it is there as a whole, or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextmanager
def only_process(path: Path, home: Path) -> Iterator[None]:
    """Hold the home's lock; the system releases it when the process ends, however it ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().strip()
            raise AlreadyRunning(str(home), int(owner) if owner.isdigit() else 0) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
