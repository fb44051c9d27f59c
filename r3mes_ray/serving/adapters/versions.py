"""The versions of every expert that this node serves; switching one is a single assignment."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from r3mes_ray.errors import ExpertNotFound
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.types import AdapterId


@dataclass(frozen=True, slots=True)
class RefusedVersion:
    """A version that this node does not serve, and why."""

    adapter: AdapterId
    reason: str


class VersionTable:
    """Expert → current version and history.

    A request asks once, at its begin, and keeps the answer: a switch changes what later requests get, never a running
    one. Changed from one event loop; `resolve` and `known` may be called from any thread: each looks an expert up once,
    and an expert is only ever replaced whole.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._experts: dict[str, ServedExpert] = {}
        self._refused: dict[str, RefusedVersion] = {}

    def resolve(self, expert: str, version: int | None = None) -> AdapterId:
        """The current version of an expert, its canary as often as was decided, or the one that is asked for.

        Raises:
            ExpertNotFound: no such expert or version is served.
        """
        served = self._experts.get(expert)
        if served is None:
            raise ExpertNotFound(expert)
        if version is None:
            canary = served.canary
            return canary.adapter if canary is not None and self._draw() < canary.share else served.current
        for known in (*served.versions, AdapterId(expert, 0, None)):
            if known.version == version:
                return known
        raise ExpertNotFound(f"{expert}@{version}")

    def known(self, expert: str) -> ServedExpert | None:
        """An expert, `None` where it is not served."""
        return self._experts.get(expert)

    def experts(self) -> tuple[ServedExpert, ...]:
        """All experts, by name."""
        return tuple(self._experts[name] for name in sorted(self._experts))

    def switch(self, served: ServedExpert) -> None:
        """Serve an expert, or another version of it, from now on."""
        self._experts[served.current.expert] = served
        refused = self._refused.get(served.current.expert)
        if refused is not None and refused.adapter.version <= served.current.version:
            del self._refused[served.current.expert]

    def describe(self, expert: str, description: str) -> None:
        """Change an expert's description, and nothing else."""
        self._experts[expert] = replace(self._experts[expert], description=description)

    def drop(self, expert: str) -> None:
        """Serve an expert no longer."""
        self._experts.pop(expert, None)
        self._refused.pop(expert, None)

    def refuse(self, refused: RefusedVersion) -> None:
        """Remember a version that failed its check; what is served stays."""
        self._refused[refused.adapter.expert] = refused

    def refused(self) -> tuple[RefusedVersion, ...]:
        """Each expert's newest version that failed its check, by name."""
        return tuple(self._refused[name] for name in sorted(self._refused))
