"""How many bytes the blocks of a store take: an upper bound that is kept beside them and recounted when it matters.

Bytes are added before a block is written and taken off after one is deleted, so that whatever dies in between leaves
the number too high, never too low; being too high only leads to an earlier recount.
"""

from __future__ import annotations

from pathlib import Path

from r3mes_ray.content.disk_blocks import DiskBlocks


class Usage:
    """The counter of one store folder. Call every method with the store's lock held."""

    def __init__(self, path: Path, blocks: DiskBlocks) -> None:
        self._path, self._blocks = path, blocks

    def bytes(self) -> int:
        """The bound; counted from the files when there is none yet."""
        try:
            return int(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return self.record(sum(state.st_size for _, state in self._blocks.files()))

    def record(self, used: int) -> int:
        """Replace the bound and return it."""
        self._path.write_text(str(used))
        return used

    def reserve(self, size: int, limit: int) -> bool:
        """Add `size` if that stays within `limit`."""
        used = self.bytes()
        if used + size > limit:
            return False
        self.record(used + size)
        return True
