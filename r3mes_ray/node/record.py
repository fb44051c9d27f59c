"""The note that a running node leaves in its home, so that other commands find it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from r3mes_ray.errors import AlreadyRunning, NotRunning


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """Where the parts of a running node are."""

    pid: int
    ray_address: str
    gateway: str
    dashboard: str
    grpc_address: str
    rpc_url: str
    chain_id: str


def record_path(home: Path) -> Path:
    """The file of the note."""
    return home / "run" / "node.json"


def claim(home: Path) -> None:
    """Refuse to start a second node of one home.

    Raises:
        AlreadyRunning: a live process holds the note.
    """
    running = read_record(home)
    if running is not None:
        raise AlreadyRunning(str(home), running.pid)


def write_record(home: Path, record: NodeRecord) -> None:
    """Leave the note; it is complete or absent."""
    path = record_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n")
    draft.replace(path)


def remove_record(home: Path) -> None:
    """Take the note away."""
    record_path(home).unlink(missing_ok=True)


def read_record(home: Path) -> NodeRecord | None:
    """The note of a node that still runs, or None."""
    try:
        record = NodeRecord(**json.loads(record_path(home).read_text()))
        os.kill(record.pid, 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, TypeError):
        return None
    except PermissionError:
        pass
    return record


def running_record(home: Path) -> NodeRecord:
    """The note of a node that must be running.

    Raises:
        NotRunning: there is none.
    """
    record = read_record(home)
    if record is None:
        raise NotRunning(str(home))
    return record
