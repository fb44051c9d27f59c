"""How often and how lately each adapter was asked for, as one number: LRFU (Lee et al., 2001)."""

from __future__ import annotations

import math

from r3mes_ray.types import AdapterId

HALF_LIFE = 64
"""Requests after which a request counts for half: long enough to keep what is often used over what came by once."""
MAX_KNOWN = 4096
"""Adapters that are remembered, also when they are in no tier."""


class Popularity:
    """Ranks; what was never asked for ranks below everything."""

    def __init__(self) -> None:
        self._ranks: dict[AdapterId, float] = {}
        self._turn = 0

    def touch(self, adapter: AdapterId) -> None:
        """Count a request."""
        self._turn += 1
        now = self._turn / HALF_LIFE
        # log2 of the decayed count, shifted by now: so that a rank need not change while others are counted.
        self._ranks[adapter] = now + math.log2(1.0 + 2.0 ** (self.rank(adapter) - now))
        if len(self._ranks) > MAX_KNOWN:
            kept = sorted(self._ranks, key=self._ranks.__getitem__)[MAX_KNOWN // 2 :]
            self._ranks = {one: self._ranks[one] for one in kept}

    def rank(self, adapter: AdapterId) -> float:
        """Higher is more popular; comparable at one moment only."""
        return self._ranks.get(adapter, -math.inf)
