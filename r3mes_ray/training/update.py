"""One update, from its CID to a verdict. Runs anywhere in the cluster: a job carries all it needs."""

from __future__ import annotations

import asyncio
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
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.stored import Layer, layers_of
from r3mes_ray.training.validation import Demand, check_update
from r3mes_ray.types import Cid, UpdateId

MISSING = "content-missing"
"""Rule of an update whose bytes are not to be had (yet): it is asked for again while time is left."""
_MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Fetch one update and judge it."""

    settings: Settings
    record: UpdateRecord
    demand: Demand


@dataclass(frozen=True, slots=True)
class Fetched:
    """A valid update with the bytes of its package, for whoever has another disk than the one that fetched it."""

    update_id: UpdateId
    dora: bool
    layers: tuple[Layer, ...]
    files: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A valid update whose layers stay where they were read."""

    update_id: UpdateId
    dora: bool
    layers: tuple[Layer, ...]


def start_worker(number: int) -> int:
    """Does nothing: whoever runs it has imported this module."""
    return number


def fetch_update(job: FetchJob) -> Fetched | Excluded:
    """Fetch an update by its CID and check it against the chain's record.

    What is wrong with the update, or with those who should have it, is a value; what is wrong with this node (a full
    disk, no memory) is raised.
    """
    found = _judged(job)
    if isinstance(found, Excluded):
        return found
    package, files = found
    return Fetched(job.record.update_id, package.config.use_dora, layers_of(package), files)


def decode_update(job: FetchJob) -> tuple[Decoded | Excluded, tuple[ModuleAdapter | None, ...]]:
    """The same; instead of the bytes, what the update has for each of the base's layers, by ascending path."""
    found = _judged(job)
    if isinstance(found, Excluded):
        return found, (None,) * len(job.demand.shapes)
    package, _ = found
    modules = package.modules()
    decoded = Decoded(job.record.update_id, package.config.use_dora, layers_of(package))
    return decoded, tuple(modules.get(path) for path in sorted(job.demand.shapes))


def _judged(job: FetchJob) -> tuple[AdapterPackage, tuple[tuple[str, bytes], ...]] | Excluded:
    update_id = job.record.update_id
    try:
        return _fetch(job)
    except PackageRejected as error:
        return excluded(update_id, error)
    except ContentNotFound:
        return Excluded(update_id, MISSING, f"{job.record.cid} is in none of the stores that were asked")
    except ContentCorrupt:
        return Excluded(update_id, MISSING, f"{job.record.cid} has a damaged block in every store that was asked")
    except (ContentTimeout, ContentUnavailable) as error:
        return Excluded(update_id, MISSING, f"{job.record.cid} is not to be had: {error}"[:_MAX_DETAIL])
    except (ContentMalformed, ContentTooLarge, InvalidInput) as error:
        return Excluded(update_id, "content", str(error)[:_MAX_DETAIL])


def excluded(update_id: UpdateId, error: PackageRejected) -> Excluded:
    """The value that a broken rule becomes."""
    return Excluded(update_id, error.rule, f"{error.subject}: {error.detail}"[:_MAX_DETAIL])


def _fetch(job: FetchJob) -> tuple[AdapterPackage, tuple[tuple[str, bytes], ...]]:
    limits = Limits(max_bytes=job.demand.max_bytes, idle_timeout_s=job.settings.training.fetch_timeout_s)
    cid = parse_cid_v1(job.record.cid).text
    with tempfile.TemporaryDirectory(prefix="r3mes-update-") as scratch:
        # The name stands in reasons, which every node must write alike.
        folder = Path(scratch) / "update"
        # A task's result is printed by `asyncio.run` when it ends (CPython 3.11), so it has none: tensors take long.
        asyncio.run(_download(job, cid, folder, limits))
        if not folder.is_dir():
            raise PackageRejected("files", "update", "is one file, not a folder")
        package = read_package(folder, max_bytes=job.demand.max_bytes)
        check_update(package, job.record, job.demand)
        files = tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))
    return package, files


async def _download(job: FetchJob, cid: Cid, folder: Path, limits: Limits) -> None:
    await open_store(job.settings).get(cid, folder, limits)
