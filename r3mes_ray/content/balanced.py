"""The balanced layout: all leaves at one depth, nodes filled from the left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BalancedTree(Generic[T]):
    """Joins leaves into parents of at most `width` children as they come; holds `width` nodes a level.

    A level is closed when one more child than fits arrives, so that exactly `width` leaves get one parent and not two.
    """

    def __init__(self, width: int, parent: Callable[[list[T]], T]) -> None:
        self._width, self._parent = width, parent
        self._levels: list[list[T]] = []

    def push(self, node: T, level: int = 0) -> None:
        """Append a node behind all that were pushed at its level."""
        if level == len(self._levels):
            self._levels.append([])
        if len(self._levels[level]) == self._width:
            self._close(level)
        self._levels[level].append(node)

    def root(self) -> T | None:
        """Close all levels and return the root, or `None` when nothing was pushed."""
        if not self._levels:
            return None
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            self._close(level)
            level += 1
        return self._levels[level][0]

    def _close(self, level: int) -> None:
        children, self._levels[level] = self._levels[level], []
        self.push(self._parent(children), level + 1)
