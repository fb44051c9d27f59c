"""Splits one corpus into the data of several miners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def split_corpus(text: str, count: int) -> tuple[str, ...]:
    """Deal the paragraphs of `text` round robin: `count` texts of one kind, with no paragraph in two of them."""
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    return tuple("\n\n".join(paragraphs[start::count]) + "\n" for start in range(count))


def write_shards(corpus: Path, folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Write one file per name under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{name}.txt" for name in names)
    for path, shard in zip(paths, split_corpus(corpus.read_text(), len(names)), strict=True):
        path.write_text(shard)
    return paths
