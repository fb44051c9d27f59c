"""Reads a folder of .txt and .md files; a file that cannot be used is named, and the others are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.errors import ConfigError

SUFFIXES = (".md", ".txt")


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What reading one folder may cost."""

    max_file_bytes: int = 4 * 2**20
    max_total_bytes: int = 256 * 2**20
    max_files: int = 10_000


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its path below the folder, with forward slashes, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Documents:
    """What was read, by ascending name, and what was left out."""

    accepted: tuple[Document, ...]
    refused: tuple[Refused, ...]


def read_documents(folder: Path, limits: DocumentLimits = DocumentLimits()) -> Documents:
    """Read every .txt and .md file below a folder; links that lead out of it are refused.

    Raises:
        ConfigError: the folder is not there.
    """
    if not folder.is_dir():
        raise ConfigError("serving.retrieval.documents", f"{folder} is not a folder")
    root = folder.resolve()
    accepted: list[Document] = []
    refused: list[Refused] = []
    total = 0
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.is_dir()):
        name = path.relative_to(folder).as_posix()
        read = _read(path, root, name, limits)
        if isinstance(read, Document) and len(accepted) >= limits.max_files:
            read = Refused(name, f"the folder has more than {limits.max_files} files")
        if isinstance(read, Document) and total + len(read.text.encode()) > limits.max_total_bytes:
            read = Refused(name, f"the folder exceeds {limits.max_total_bytes} bytes")
        if isinstance(read, Refused):
            refused.append(read)
            continue
        accepted.append(read)
        total += len(read.text.encode())
    return Documents(tuple(accepted), tuple(refused))


def _read(path: Path, root: Path, name: str, limits: DocumentLimits) -> Document | Refused:
    try:
        if not path.resolve().is_relative_to(root):
            return Refused(name, "a link that leads out of the folder")
        if not path.is_file():
            return Refused(name, "not a plain file")
        with path.open("rb") as file:
            data = file.read(limits.max_file_bytes + 1)
        if len(data) > limits.max_file_bytes:
            return Refused(name, f"larger than {limits.max_file_bytes} bytes")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Refused(name, f"not UTF-8 at byte {error.start}")
    except OSError as error:
        return Refused(name, f"cannot be read: {error.strerror or error}")
    if "\0" in text:
        return Refused(name, "has NUL bytes, so it is no text")
    return Document(name, text) if text.strip() else Refused(name, "empty")
