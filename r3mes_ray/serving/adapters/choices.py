"""What this node's operator decided about experts, beside what the chain says: a file that a running node follows."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.errors import ConfigError
from r3mes_ray.types import AdapterId, Cid

FILE = "choices.json"
MAX_BYTES = 2**20


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalVersion(_Record):
    """A version that this node knows without the chain."""

    version: int = Field(ge=1)
    cid: str = Field(min_length=1, max_length=200)


class Choice(_Record):
    """What was decided about one expert; all defaults mean that the chain alone decides."""

    held: int | None = Field(None, ge=0)
    """No version above this is served, unless it is asked for by its number."""
    canary: int | None = Field(None, ge=0)
    """A version that answers a share of the requests."""
    share: float = Field(0.0, ge=0.0, le=1.0)
    """Its share."""
    pinned: bool = False
    """The current version stays in a slot of every engine."""
    preload: tuple[int, ...] = ()
    """Versions that are loaded ahead of their first request."""
    local: tuple[LocalVersion, ...] = ()
    """Versions that were imported here."""

    def imported(self, expert: str) -> tuple[AdapterId, ...]:
        """The versions that were imported here."""
        return tuple(AdapterId(expert, entry.version, Cid(entry.cid)) for entry in self.local)


class Choices(_Record):
    """The choices about all experts, by name."""

    experts: dict[str, Choice] = {}

    def of(self, expert: str) -> Choice:
        """What was decided about one expert."""
        return self.experts.get(expert, Choice())

    def with_choice(self, expert: str, choice: Choice) -> Choices:
        """The choices with another one about one expert; one that decides nothing is left out."""
        kept = {name: old for name, old in self.experts.items() if name != expert}
        return Choices(experts=kept if choice == Choice() else kept | {expert: choice})


def read_choices(path: Path) -> Choices:
    """Read the file; no file means no choices.

    Raises:
        ConfigError: it is not what `write_choices` writes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Choices()
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(str(path), f"is larger than {MAX_BYTES} bytes")
    try:
        return Choices.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(str(path), f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def write_choices(path: Path, choices: Choices) -> None:
    """Replace the file, wholly or not at all.

    Raises:
        ConfigError: it would be larger than `read_choices` reads.
    """
    data = choices.model_dump_json(exclude_defaults=True).encode()
    if len(data) > MAX_BYTES:
        raise ConfigError(str(path), f"would be larger than {MAX_BYTES} bytes")
    replace_file(path, data)


def change_choice(path: Path, expert: str, change: Callable[[Choice], Choice]) -> None:
    """Decide anew about one expert; of several processes that do so at once, each finds what the others decided.

    Raises:
        ConfigError: the file is not what `write_choices` writes, or would be too large.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the file, which is replaced: a lock on it would be on one that is gone.
    with path.with_name(f"{path.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        choices = read_choices(path)
        # Checked again: `model_copy` takes any value.
        choice = Choice.model_validate(change(choices.of(expert)).model_dump())
        write_choices(path, choices.with_choice(expert, choice))


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside its place, flush it to disk, and put it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
