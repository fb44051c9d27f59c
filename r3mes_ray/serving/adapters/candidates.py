"""Which versions of an expert may be served, best first: what the chain finished, within what the operator decided."""

from __future__ import annotations

from collections.abc import Sequence

from r3mes_ray.serving.adapters.choices import Choice
from r3mes_ray.serving.records import Canary
from r3mes_ray.types import AdapterId


class Candidates:
    """One expert's versions.

    Args:
        expert: its name.
        finished: versions that the chain finished, up to the one that it calls current.
        choice: the operator's.
    """

    def __init__(self, expert: str, finished: Sequence[AdapterId], choice: Choice) -> None:
        self._base, self._choice = AdapterId(expert, 0, None), choice
        self._finished = {adapter.version: adapter for adapter in finished}
        # Of two versions with one number the chain's is the one.
        self._known = {one.version: one for one in choice.imported(expert)} | self._finished
        self._known.pop(0, None)

    @property
    def versions(self) -> tuple[AdapterId, ...]:
        """All that can be asked for by number, ascending, without the base."""
        return tuple(self._known[version] for version in sorted(self._known))

    @property
    def newest_finished(self) -> int:
        """The version that the chain calls current."""
        return max(self._finished, default=0)

    @property
    def best_first(self) -> tuple[AdapterId, ...]:
        """The version to serve, and what to fall back to, down to the base; an imported one only where it is held."""
        held = self._choice.held
        pool = self._finished if held is None else self._known
        fitting = [version for version in pool if version and (held is None or version <= held)]
        return (*(pool[version] for version in sorted(fitting, reverse=True)), self._base)

    @property
    def canary(self) -> Canary | None:
        """The version that answers a share of the requests."""
        version = self._choice.canary
        adapter = self._base if version == 0 else self._known.get(-1 if version is None else version)
        return (
            None
            if adapter is None or version is None or not self._choice.share
            else Canary(adapter, self._choice.share)
        )

    @property
    def preload(self) -> tuple[AdapterId, ...]:
        """Versions that are to be loaded ahead."""
        return tuple(self._known[version] for version in self._choice.preload if version in self._known)
