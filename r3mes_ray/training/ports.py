"""What the training half is handed from outside: a parallel map, a clock, and a listener for progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

StepName = Literal["query", "fetch", "verify", "aggregate", "serialise", "upload", "commit", "reveal", "submit"]
"""The nine steps of a round, in order."""

STEPS: tuple[StepName, ...] = (
    "query",
    "fetch",
    "verify",
    "aggregate",
    "serialise",
    "upload",
    "commit",
    "reveal",
    "submit",
)


@dataclass(frozen=True, slots=True)
class StepEvent:
    """News of a round: a step begins, goes on or is done, with one line of detail."""

    step: StepName
    state: Literal["begin", "progress", "done"]
    detail: str


Listener = Callable[[StepEvent], None]
"""Called from the coordinator's task, or from a thread of it; it must return at once."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as arguments: a monotonic reading in seconds, and a sleep."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Lost:
    """An item without a result: its worker died again and again, or it took too long."""

    reason: str


class ParallelMap(Protocol):
    """Applies a pure, picklable function to picklable items, anywhere in the cluster."""

    def __call__(
        self, task: Callable[[T], R], items: Sequence[T], label: Callable[[T], str]
    ) -> Iterator[tuple[int, R | Lost]]:
        """Give (index, result) of every item once, in the order in which they finish.

        Each item is asked for once, when it is its turn. `label` names an item for the cluster's dashboard. An
        exception of the function is raised.
        """
        ...


def serial_map(task: Callable[[T], R], items: Sequence[T], label: Callable[[T], str]) -> Iterator[tuple[int, R | Lost]]:
    """The map of one process: the default, and the oracle of every other one."""
    for index in range(len(items)):
        yield index, task(items[index])
