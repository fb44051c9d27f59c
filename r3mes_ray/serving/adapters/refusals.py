"""The negative cache: an adapter that could not be used is not tried again for a while."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

from r3mes_ray.errors import ContentNotFound, ContentTimeout, ContentUnavailable, R3mesError
from r3mes_ray.types import AdapterId

REFUSED_S = 300.0
"""What breaks a rule today breaks it in five minutes; then bytes may have been repaired."""
ABSENT_S = 5.0
"""What is not there may be published any moment."""
MAX_REFUSALS = 1024


class Refusals:
    """Adapters with the error that each ended with, until it is worth another try."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._errors: dict[AdapterId, tuple[R3mesError, float]] = {}

    def __len__(self) -> int:
        return len(self._errors)

    def check(self, adapter: AdapterId) -> None:
        """Raise the error that the adapter ended with, while it holds."""
        error, until = self._errors.get(adapter, (None, 0.0))
        if error is None:
            return
        if self._clock() < until:
            raise copy(error)
        del self._errors[adapter]

    def remember(self, adapter: AdapterId, error: R3mesError) -> None:
        """Keep an error, without the traceback and the cause that would keep what was loaded; the oldest make room."""
        passing = isinstance(error, ContentNotFound | ContentTimeout | ContentUnavailable)
        now = self._clock()
        self._errors = {one: kept for one, kept in self._errors.items() if one != adapter and now < kept[1]}
        self._errors[adapter] = (copy(error), now + (ABSENT_S if passing else REFUSED_S))
        while len(self._errors) > MAX_REFUSALS:
            del self._errors[next(iter(self._errors))]

    def forget(self, adapter: AdapterId) -> None:
        """Try it again at once."""
        self._errors.pop(adapter, None)
