"""The version table on disk: what a node served last, it serves again when it starts while the chain is away."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.serving.adapters.choices import replace_file
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.types import AdapterId, Cid

log = logging.getLogger(__name__)

FILE = "versions.json"
MAX_BYTES = 2**26
"""Some hundred thousand versions, at 100 to 200 bytes each."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Version(_Record):
    version: int = Field(ge=0)
    cid: str | None


class _Expert(_Record):
    name: str = Field(min_length=1, max_length=200)
    current: _Version
    versions: tuple[_Version, ...]
    since: int
    description: str
    finished: int = Field(ge=0)


class _Table(_Record):
    base_hash: str
    experts: tuple[_Expert, ...]


class VersionStore:
    """One file. A file of another base, or one that is damaged, is as good as none: the chain knows more."""

    def __init__(self, path: Path, base_hash: str) -> None:
        self._path, self._base_hash = path, base_hash

    def save(self, experts: Sequence[ServedExpert]) -> None:
        """Keep what is served, wholly or not at all.

        Raises:
            OSError: it cannot be written, or is larger than `restore` reads; what was kept before stays.
        """
        table = _Table(base_hash=self._base_hash, experts=tuple(_expert(served) for served in experts))
        data = table.model_dump_json().encode()
        if len(data) > MAX_BYTES:
            raise OSError(errno.EFBIG, f"the table has {len(data)} bytes, and may have {MAX_BYTES}", str(self._path))
        replace_file(self._path, data)

    def restore(self) -> tuple[ServedExpert, ...]:
        """What was kept last; the versions have still to be loaded and checked."""
        table = _read(self._path)
        if table is None or table.base_hash != self._base_hash:
            return ()
        return tuple(_served(expert) for expert in table.experts)


def read_table(path: Path) -> tuple[ServedExpert, ...]:
    """What a node served last, of whatever base."""
    table = _read(path)
    return () if table is None else tuple(_served(expert) for expert in table.experts)


def _read(path: Path) -> _Table | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MAX_BYTES} bytes")
        return _Table.model_validate_json(data)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("what was served last cannot be read from %s: %s", path, error)
        return None


def _expert(served: ServedExpert) -> _Expert:
    return _Expert(
        name=served.current.expert,
        current=_Version(version=served.current.version, cid=served.current.cid),
        versions=tuple(_Version(version=one.version, cid=one.cid) for one in served.versions),
        since=served.since,
        description=served.description,
        finished=served.finished,
    )


def _served(expert: _Expert) -> ServedExpert:
    def adapter(version: _Version) -> AdapterId:
        return AdapterId(expert.name, version.version, None if version.cid is None else Cid(version.cid))

    versions = tuple(adapter(version) for version in expert.versions)
    return ServedExpert(adapter(expert.current), versions, expert.since, expert.description, finished=expert.finished)
