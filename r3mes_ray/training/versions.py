"""The versions of an expert that a round's aggregate is computed from, out of chain and content."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.records import RoundRecord
from r3mes_ray.content.base import ContentStore, Limits
from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapters import AdapterPackage, AggregateOrigin, read_package
from r3mes_ray.models.adapters.history import History
from r3mes_ray.models.adapters.package import MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES
from r3mes_ray.training.gate.validation import MAX_RANK
from r3mes_ray.training.objects import ObjectStore
from r3mes_ray.training.outer import outer_step
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.stored import Adapter, Versions, share, stored
from r3mes_ray.types import Cid

START = "start"
"""Folder of the start version."""
_FLOAT_BYTES = 4
_MARGIN_BYTES = MAX_MANIFEST_BYTES + MAX_CONFIG_BYTES + 3 * 2**20
"""The two JSON files, the tensors' header, and what blocks add to a file."""


def version_limit(shapes: Mapping[str, tuple[int, int]]) -> int:
    """Bytes of the largest version that an expert of a base can have: it follows from the base, so nodes agree.

    `shapes` are (out, in) of the base's layers; a version has magnitudes, and at most the largest rank of a round.
    """
    numbers = sum(MAX_RANK * (rows + columns) + rows for rows, columns in shapes.values())
    return numbers * _FLOAT_BYTES + _MARGIN_BYTES


async def previous_of(client: ChainClient, plan: RoundPlan) -> tuple[Cid | None, ...]:
    """The versions before the start version that the round's momentum needs, the latest first; None is the base.

    Raises:
        InvalidInput: the chain's history of the expert does not have one of them.
    """
    start = plan.record.start_version
    wanted = [start - back for back in range(1, len(outer_step(plan).previous) + 1)]
    if not any(wanted):
        return (None,) * len(wanted)
    expert = await queries.expert(client, plan.record.expert)
    found: dict[int, Cid | None] = {entry.version: entry.adapter for entry in expert.history} | {0: None}
    missing = [version for version in wanted if version not in found]
    if missing:
        raise InvalidInput(f"expert {expert.name}", f"the chain's history has no version {missing[0]}")
    return tuple(found[version] for version in wanted)


async def fetch_package(store: ContentStore, cid: Cid, folder: Path, max_bytes: int) -> AdapterPackage:
    """Fetch a package into a new folder, and read it.

    Raises:
        ContentError: it is not to be had, or damaged.
        PackageRejected: it is no adapter package.
    """
    await store.get(cid, folder, Limits(max_bytes=max_bytes))
    return await asyncio.to_thread(read_package, folder, max_bytes=max_bytes)


async def fetch_versions(
    store: ContentStore,
    record: RoundRecord,
    previous: Sequence[Cid | None],
    folder: Path,
    max_bytes: int,
    objects: ObjectStore | None = None,
) -> Versions:
    """Fetch a round's start version and those before it into new folders in a new one; None is the base, of no package.

    With an object store every host that it reaches has their layers. A history of another version is none. Raises as
    `fetch_package` does.
    """
    folder.mkdir(parents=True)
    adapters: list[Adapter | None] = []
    history: History = ()
    for name, cid in ((START, record.start), *((str(place), cid) for place, cid in enumerate(previous))):
        package = None if cid is None else await fetch_package(store, cid, folder / name, max_bytes)
        if package is None:
            adapters.append(None)
            continue
        manifest = package.manifest
        if name == START and manifest.version == record.start_version and isinstance(manifest.origin, AggregateOrigin):
            history = manifest.origin.history
        adapter = stored(folder / name, package)
        adapters.append(adapter if objects is None else share(adapter, objects))
    return Versions(adapters[0], tuple(adapters[1:]), history)
