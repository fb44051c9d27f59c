"""Files of a round in work: the expert's versions and the aggregate, beside the journal."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.training.journal import rounds_folder
from r3mes_ray.types import RoundId


@dataclass(frozen=True, slots=True)
class Workspace:
    """Folder of one round; everything in it can be made again until a commitment is prepared."""

    root: Path

    @property
    def aggregate(self) -> Path:
        """Folder of the aggregate's package."""
        return self.root / "aggregate"

    @property
    def versions(self) -> Path:
        """Folder of the packages of the start version and those before it."""
        return self.root / "versions"

    @property
    def readback(self) -> Path:
        """Folder that the published package is read back into."""
        return self.root / "readback"

    def clear(self) -> None:
        """Delete everything."""
        remove_folder(self.root)


def workspace_of(home: Path, chain_id: str, round_id: RoundId) -> Workspace:
    """The workspace of a round."""
    return Workspace(rounds_folder(home, chain_id) / f"{round_id}.work")


def remove_folder(folder: Path) -> None:
    """Delete a folder where there is one."""
    if folder.exists():
        shutil.rmtree(folder)


def empty_folder(folder: Path) -> Path:
    """Make the folder, without anything in it."""
    remove_folder(folder)
    folder.mkdir(parents=True)
    return folder


def sync_folder(folder: Path) -> None:
    """Wait until the folder's files and their names are on disk."""
    for path in (*sorted(folder.iterdir()), folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
