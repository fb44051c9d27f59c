"""Records as text: one field a line, or one record a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any


def fields(record: Any) -> str:
    """A dataclass as aligned lines `name  value`; tuples are joined, nothing is `-`."""
    named = [(field.name.replace("_", " "), getattr(record, field.name)) for field in dataclasses.fields(record)]
    width = max(len(name) for name, _ in named)
    return "\n".join(f"{name:<{width}}  {cell(value)}" for name, value in named)


def table(records: Sequence[Any], columns: Sequence[str], empty: str) -> str:
    """Dataclasses as aligned columns under their names; `empty` is said when there is none."""
    if not records:
        return empty
    rows = [[column.replace("_", " ") for column in columns]]
    rows += [[cell(getattr(record, column)) for column in columns] for record in records]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def cell(value: Any) -> str:
    """One value as text."""
    match value:
        case None | "" | ():
            return "-"
        case tuple() | list():
            return ", ".join(cell(item) for item in value)
        case bytes():
            return value.hex()
        case _:
            return str(value)
