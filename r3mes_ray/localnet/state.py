"""Key-value state: what transitions read, and the overlays that they write to.

Keys are ordered as bytes. An overlay holds its writes apart until its parent absorbs them, so a failed transaction
leaves nothing behind.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Protocol


class State(Protocol):
    """What can be read."""

    def get(self, key: bytes) -> bytes | None:
        """The value at `key`, or `None`."""
        ...

    def items(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Entries whose key begins with `prefix` and is at least `start`, by ascending key."""
        ...


class EmptyState:
    """The state before genesis."""

    def get(self, key: bytes) -> bytes | None:
        """Nothing."""
        return None

    def items(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Nothing."""
        return iter(())


class Overlay:
    """Writes over another state; `writes` maps a key to its new value, or to `None` when it is deleted."""

    def __init__(self, parent: State) -> None:
        self.parent = parent
        self.writes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """The value at `key`, own writes first."""
        return self.writes[key] if key in self.writes else self.parent.get(key)

    def items(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Entries below `prefix` from `start`, own writes first; no write may happen while it is read."""
        own = [(key, self.writes[key]) for key in self.writes if key.startswith(prefix) and key >= start]
        below = ((key, value) for key, value in self.parent.items(prefix, start) if key not in self.writes)
        merged: Iterator[tuple[bytes, bytes | None]] = heapq.merge(sorted(own, key=_key), below, key=_key)
        return ((key, value) for key, value in merged if value is not None)

    def put(self, key: bytes, value: bytes) -> None:
        """Write one value."""
        self.writes[key] = value

    def delete(self, key: bytes) -> None:
        """Remove one key; removing what is not there is allowed."""
        self.writes[key] = None

    def absorb(self, child: Overlay) -> None:
        """Take over the writes of an overlay that lies on this one."""
        self.writes.update(child.writes)


def _key(entry: tuple[bytes, bytes | None]) -> bytes:
    return entry[0]


def after_prefix(prefix: bytes) -> bytes | None:
    """The first key after all keys that begin with `prefix`; `None` when there is none."""
    body = prefix.rstrip(b"\xff")
    return body[:-1] + bytes((body[-1] + 1,)) if body else None
