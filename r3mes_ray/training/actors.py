"""Training work as Ray tasks: the one file of this half that knows Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import ray
from ray.exceptions import GetTimeoutError, NodeDiedError, OutOfMemoryError, TaskCancelledError, WorkerCrashedError

from r3mes_ray.training.ports import Lost, ParallelMap

T = TypeVar("T")
R = TypeVar("R")

TASK_CPUS = 0.25
"""Fetching waits for the network; a whole CPU each would starve beside serving replicas."""
RETRIES = 2
"""How often a task is started again after its worker or host died."""
POLL_S = 0.2
_WORKER_LOST = (WorkerCrashedError, NodeDiedError, OutOfMemoryError, TaskCancelledError)


@dataclass(slots=True)
class _InFlight:
    index: int
    deadline: float


def ray_map(limit: int, timeout_s: float) -> ParallelMap:
    """A map over the cluster that this process has joined.

    Args:
        limit: tasks that are in flight at a time; results are handed on before more are started.
        timeout_s: longest time of one item, its wait for a worker included; then it is `Lost`.
    """

    def run(task: Callable[[T], R], items: Sequence[T], label: Callable[[T], str]) -> Iterator[tuple[int, R | Lost]]:
        remote = ray.remote(num_cpus=TASK_CPUS, max_retries=RETRIES, scheduling_strategy="SPREAD")(task)
        flying: dict[Any, _InFlight] = {}
        waiting = list(enumerate(items))[::-1]
        try:
            while flying or waiting:
                while waiting and len(flying) < limit:
                    index, item = waiting.pop()
                    reference = remote.options(name=label(item)).remote(item)
                    flying[reference] = _InFlight(index, time.monotonic() + timeout_s)
                yield from _finished(flying)
                yield from _overdue(flying, timeout_s)
        finally:
            for reference in flying:
                ray.cancel(reference, force=True)

    return run


def _finished(flying: dict[Any, _InFlight]) -> Iterator[tuple[int, Any]]:
    ready, _ = ray.wait(list(flying), num_returns=1, timeout=POLL_S, fetch_local=True)
    for reference in ready:
        index = flying.pop(reference).index
        try:
            yield index, ray.get(reference, timeout=POLL_S * 100)
        except (*_WORKER_LOST, GetTimeoutError) as error:
            yield index, Lost(f"the worker was lost: {type(error).__name__}")


def _overdue(flying: dict[Any, _InFlight], timeout_s: float) -> Iterator[tuple[int, Lost]]:
    now = time.monotonic()
    for reference, state in list(flying.items()):
        if now > state.deadline:
            del flying[reference]
            ray.cancel(reference, force=True)
            yield state.index, Lost(f"no result within {timeout_s:g} s")
