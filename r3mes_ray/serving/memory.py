"""How the replica's process takes memory from the system."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
ARENAS = 2


def bound_arenas() -> bool:
    """Let glibc's threads share a few arenas, before they start; whether this system's allocator can do that.

    Each thread that decodes adapters would else have an arena of its own, which keeps the largest size that it had.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
