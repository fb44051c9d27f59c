"""One update, from its CID to a verdict. Runs anywhere in the cluster: a job carries all it needs."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.chain.records import UpdateRecord
from r3mes_ray.content import open_store
from r3mes_ray.content.base import Limits
from r3mes_ray.errors import (
    ContentCorrupt,
    ContentMalformed,
    ContentNotFound,
    ContentTimeout,
    ContentTooLarge,
    ContentUnavailable,
    InvalidInput,
    PackageRejected,
)
from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter, read_package
from r3mes_ray.protocol.cid import parse_cid_v1
from r3mes_ray.settings import Settings
from r3mes_ray.training.gate.validation import Demand, check_update
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.stored import Layer, StoredAdapter, layers_of, stored
from r3mes_ray.types import Cid, UpdateId

MISSING = "content-missing"
"""Rule of an update whose bytes are not to be had (yet): it is asked for again while time is left."""
FOLDER = "update"
"""Name of the folder that an update is fetched into: it stands in reasons, which every node must write alike."""
_MAX_DETAIL = 200
"""Characters of a reason, printable ASCII: a part of what is published, whoever wrote the words that it quotes."""


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Fetch one update and judge it."""

    settings: Settings
    record: UpdateRecord
    demand: Demand


@dataclass(frozen=True, slots=True)
class Decoded:
    """A valid update whose layers stay where they were read."""

    dora: bool
    layers: tuple[Layer, ...]


def start_worker(number: int) -> int:
    """Does nothing: whoever runs it has imported this module."""
    return number


def fetch_update(job: FetchJob, parent: Path) -> StoredAdapter | Excluded:
    """Fetch an update by its CID into a new folder of a parent, and check it against the chain's record.

    What is wrong with the update, or with those who should have it, is a value; what is wrong with this node (a full
    disk, no memory) is raised.
    """
    package = _judged(job, parent)
    if isinstance(package, Excluded):
        return package
    return stored(parent / FOLDER, package)


def decode_update(job: FetchJob) -> tuple[Decoded | Excluded, tuple[ModuleAdapter | None, ...]]:
    """The same, with nothing on this disk: what the update has for each of the base's layers, by ascending path."""
    with tempfile.TemporaryDirectory(prefix="r3mes-update-") as scratch:
        package = _judged(job, Path(scratch))
    if isinstance(package, Excluded):
        return package, (None,) * len(job.demand.shapes)
    modules = package.modules()
    decoded = Decoded(package.config.use_dora, layers_of(package))
    return decoded, tuple(modules.get(path) for path in sorted(job.demand.shapes))


def _judged(job: FetchJob, parent: Path) -> AdapterPackage | Excluded:
    update_id = job.record.update_id
    try:
        return _fetch(job, parent / FOLDER)
    except PackageRejected as error:
        return excluded(update_id, error)
    except ContentNotFound:
        return Excluded(update_id, MISSING, f"{job.record.cid} is in none of the stores that were asked")
    except ContentCorrupt:
        return Excluded(update_id, MISSING, f"{job.record.cid} has a damaged block in every store that was asked")
    except (ContentTimeout, ContentUnavailable) as error:
        return Excluded(update_id, MISSING, _printable(f"{job.record.cid} is not to be had: {error}"))
    except (ContentMalformed, ContentTooLarge, InvalidInput) as error:
        return Excluded(update_id, "content", _printable(str(error)))


def excluded(update_id: UpdateId, error: PackageRejected) -> Excluded:
    """The value that a broken rule becomes."""
    return Excluded(update_id, error.rule, _printable(f"{error.subject}: {error.detail}"))


def _printable(text: str) -> str:
    return re.sub(r"[^ -~]", "?", text)[:_MAX_DETAIL]


def _fetch(job: FetchJob, folder: Path) -> AdapterPackage:
    limits = Limits(max_bytes=job.demand.max_bytes, idle_timeout_s=job.settings.training.fetch_timeout_s)
    cid = parse_cid_v1(job.record.cid).text
    # A task's result is printed by `asyncio.run` when it ends (CPython 3.11), so it has none: tensors take long.
    asyncio.run(_download(job, cid, folder, limits))
    if not folder.is_dir():
        raise PackageRejected("files", FOLDER, "is one file, not a folder")
    package = read_package(folder, max_bytes=job.demand.max_bytes)
    check_update(package, job.record, job.demand)
    return package


async def _download(job: FetchJob, cid: Cid, folder: Path, limits: Limits) -> None:
    await open_store(job.settings).get(cid, folder, limits)
