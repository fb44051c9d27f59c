"""The proposer's memory of a round: an append-only file that is on disk before anything else happens.

One line is one record, with a checksum over it. A line that a crash tore is the last one, and nothing was done yet on
its behalf: it is dropped. Damage anywhere else is an error, because a salt may be in it. The file is locked, so that
one process works on a round, and readable by its owner alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from r3mes_ray.errors import JournalDamaged, RoundBusy
from r3mes_ray.training.records import Progress, Record, advance, progress_of
from r3mes_ray.types import RoundId

_RECORD: TypeAdapter[Record] = TypeAdapter(Record)
_SUM_CHARS = 16


def rounds_folder(home: Path, chain_id: str) -> Path:
    """Folder of one chain's rounds."""
    return home / "rounds" / chain_id


def journal_path(home: Path, chain_id: str, round_id: RoundId) -> Path:
    """File of one round's journal."""
    return rounds_folder(home, chain_id) / f"{round_id}.jsonl"


class Journal:
    """An open, locked journal. `progress` is what its records add up to."""

    def __init__(self, file: int, path: Path, records: list[Record], progress: Progress) -> None:
        self._file, self.path = file, path
        self._records, self._progress = records, progress

    @property
    def progress(self) -> Progress:
        """What the records add up to."""
        return self._progress

    @property
    def records(self) -> tuple[Record, ...]:
        """Every record, in order."""
        return tuple(self._records)

    def append(self, record: Record) -> None:
        """Write a record; it survives any crash once the call has returned.

        Raises:
            ValueError: a second salt, or an aggregate that changes after its commitment was prepared.
        """
        progress = advance(self._progress, record)
        _write_all(self._file, _line(record))
        os.fsync(self._file)
        self._records.append(record)
        self._progress = progress


def _make_durably(folder: Path) -> None:
    """Make a folder and those above it so that their names outlast a power cut."""
    if not folder.is_dir():
        _make_durably(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)


@contextmanager
def open_journal(home: Path, chain_id: str, round_id: RoundId) -> Iterator[Journal]:
    """Open a round's journal, make it when it is new, and hold its lock.

    Raises:
        RoundBusy: another process works on the round.
        JournalDamaged: a line other than the last cannot be read.
    """
    path = journal_path(home, chain_id, round_id)
    _make_durably(path.parent)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        _lock(file, round_id)
        os.fchmod(file, 0o600)
        _sync_folder(path.parent)
        content = path.read_bytes()
        records, good = _parse(content, path)
        if good < len(content):
            os.ftruncate(file, good)
            os.fsync(file)
        yield Journal(file, path, records, _progress(records, path))
    finally:
        os.close(file)


def read_journal(home: Path, chain_id: str, round_id: RoundId) -> Progress | None:
    """What a round's journal says, without its lock; None where there is no journal.

    Raises:
        JournalDamaged: a line other than the last cannot be read.
    """
    path = journal_path(home, chain_id, round_id)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return _progress(_parse(content, path)[0], path)


def journalled_rounds(home: Path, chain_id: str) -> tuple[RoundId, ...]:
    """Rounds that have a journal, ascending."""
    names = (path.stem for path in rounds_folder(home, chain_id).glob("*.jsonl"))
    return tuple(sorted(RoundId(int(name)) for name in names if name.isdecimal()))


def _lock(file: int, round_id: RoundId) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RoundBusy(round_id) from error


def _line(record: Record) -> bytes:
    body = _RECORD.dump_python(record, mode="json")
    return (json.dumps({"sum": _sum(body), "record": body}, sort_keys=True) + "\n").encode()


def _sum(body: object) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_SUM_CHARS]


def _parse(content: bytes, path: Path) -> tuple[list[Record], int]:
    """Records, and the bytes that they take: what follows is a torn last line."""
    records: list[Record] = []
    good = 0
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_record(line))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if number < len(lines):
                raise JournalDamaged(str(path), number, str(error)) from error
            break
        good += len(line)
    return records, good


def _record(line: bytes) -> Record:
    if not line.endswith(b"\n"):
        raise ValueError("the line has no end")
    content = json.loads(line)
    if content["sum"] != _sum(content["record"]):
        raise ValueError("the checksum does not match")
    return _RECORD.validate_python(content["record"])


def _progress(records: list[Record], path: Path) -> Progress:
    try:
        return progress_of(records)
    except (ValueError, ValidationError) as error:
        raise JournalDamaged(str(path), len(records), str(error)) from error


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
