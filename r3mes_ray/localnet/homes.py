"""What happens to a home's chain while it does not run: taken out to a file, brought in, begun anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from r3mes_ray.errors import ConfigError
from r3mes_ray.localnet.archive import read_archive, write_archive
from r3mes_ray.localnet.genesis import Genesis, canonical, genesis_path, read_genesis
from r3mes_ray.localnet.server import only_process, open_home, write_durably
from r3mes_ray.settings import Settings


@dataclass(frozen=True, slots=True)
class Moved:
    """What was taken out, brought in or begun: the chain, its last height, and the file or folder."""

    chain_id: str
    height: int
    path: Path


def export_chain(settings: Settings, target: Path) -> Moved:
    """Write a home's chain to a file that does not exist yet.

    Raises:
        ConfigError: the home has no chain, or the file exists.
        AlreadyRunning: the chain runs.
    """
    genesis = _genesis(settings)
    if target.exists():
        raise ConfigError("FILE", f"{target} exists")
    with _locked(settings):
        _, store = open_home(settings, genesis)
        partial = target.with_name(target.name + ".partial")
        try:
            with partial.open("wb") as file:
                height = write_archive(genesis, store, file)
        finally:
            store.close()
    partial.replace(target)
    return Moved(genesis.chain_id, height, target)


def import_chain(settings: Settings, source: Path) -> Moved:
    """Replay a file into a home without a chain.

    Raises:
        ConfigError: the home has a chain, or there is no file.
        ChainCorrupt: the file does not replay to its own hashes; the home stays without a chain.
    """
    path = genesis_path(settings)
    database = path.parent / "chain.sqlite"
    if path.exists() or database.exists():
        raise ConfigError("--home", f"{settings.home} has a chain already; `r3mes chain reset` moves it away")
    if not source.is_file():
        raise ConfigError("FILE", f"{source} is no file")
    with _locked(settings):
        replayed = path.parent / "import.sqlite"
        try:
            genesis, height = read_archive(source, replayed)
            write_durably(path, canonical(genesis))
            replayed.replace(database)
        finally:
            for leftover in path.parent.glob("import.sqlite*"):
                leftover.unlink()
    return Moved(genesis.chain_id, height, source)


def reset_chain(settings: Settings, chain_id: str | None) -> Moved:
    """Begin anew from the home's own first balances and parameters, under another chain-id; the old chain is kept.

    A chain-id is signed by every transaction: under the old one, old transactions could be replayed.

    Raises:
        ConfigError: the home has no chain, or the chain-id is the old one.
        AlreadyRunning: the chain runs.
    """
    old = _genesis(settings)
    name = chain_id or _next_name(old.chain_id)
    if name == old.chain_id:
        raise ConfigError("--chain-id", f"{name} is the old chain's; its transactions could be replayed")
    data = {**old.model_dump(exclude_unset=True), "chain_id": name, "time": datetime.now(UTC).replace(microsecond=0)}
    fresh = Genesis.model_validate(data)
    folder = genesis_path(settings).parent
    with _locked(settings):
        kept = _free_name(folder, old.chain_id)
        kept.mkdir()
        for file in (*folder.glob("chain.sqlite*"), folder / "genesis.json"):
            file.rename(kept / file.name)
        write_durably(genesis_path(settings), canonical(fresh))
    return Moved(name, 0, kept)


def _genesis(settings: Settings) -> Genesis:
    genesis = read_genesis(genesis_path(settings))
    if genesis is None:
        raise ConfigError("--home", f"{settings.home} has no chain")
    return genesis


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    folder = genesis_path(settings).parent
    folder.mkdir(parents=True, exist_ok=True)
    with only_process(folder / "lock", settings.home):
        yield


def _next_name(chain_id: str) -> str:
    """`remes-test` → `remes-test-2` → `remes-test-3`."""
    match = re.fullmatch(r"(.*)-(\d{1,6})", chain_id)
    return f"{match[1]}-{int(match[2]) + 1}" if match else f"{chain_id}-2"


def _free_name(folder: Path, chain_id: str) -> Path:
    number = 1
    while (folder / f"old-{chain_id}-{number}").exists():
        number += 1
    return folder / f"old-{chain_id}-{number}"
