"""Training work as Ray tasks: the one file of this half that knows Ray."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import ray
from ray.exceptions import (
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    TaskCancelledError,
    WorkerCrashedError,
)

from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.objects import Held
from r3mes_ray.training.ports import Lost, ParallelMap

T = TypeVar("T")
R = TypeVar("R")
V = TypeVar("V")

TASK_CPUS = 0.25
"""Fetching waits for the network; a whole CPU each would starve beside serving replicas."""
GPU_SHARE = 0.25
"""Of a task that works on a layer, where nothing is said: layers are small beside a GPU."""
RETRIES = 2
"""How often a task is started again after its worker or host died."""
POLL_S = 0.2
_WORKER_LOST = (WorkerCrashedError, NodeDiedError, OutOfMemoryError, TaskCancelledError, ObjectLostError)


@dataclass(frozen=True, slots=True)
class RayHeld:
    """A value in Ray's object store."""

    reference: Any

    def get(self) -> Any:
        """Bring it here."""
        return ray.get(self.reference)


@dataclass(frozen=True, slots=True)
class RayObjects:
    """Ray's object store. A piece of a lost worker is made again by its task.

    Attributes:
        limit: tasks that are in flight at a time.
        timeout_s: longest time of one item, its wait for a worker included; then it is `Lost`.
    """

    limit: int
    timeout_s: float

    def share(self, value: V) -> Held[V]:
        """Put a value."""
        return RayHeld(ray.put(value))

    def scatter(
        self, task: Callable[[T], tuple[R, Sequence[V]]], items: Sequence[T], label: Callable[[T], str], pieces: int
    ) -> Iterator[tuple[int, tuple[R, tuple[Held[V], ...]] | Lost]]:
        """As tasks that are spread over the hosts; pieces stay where they were made."""
        flight = _Flight(task, label, self.limit, self.timeout_s, pieces, {"scheduling_strategy": "SPREAD"})
        for index, result, references in flight.run(items):
            held: tuple[Held[V], ...] = tuple(RayHeld(reference) for reference in references)
            yield index, result if isinstance(result, Lost) else (result, held)


def ray_map(limit: int, timeout_s: float, gpus: float = 0.0) -> ParallelMap:
    """A map over the cluster that this process has joined.

    Args:
        limit: tasks that are in flight at a time; results are handed on before more are started.
        timeout_s: longest time of one item, its wait for a worker included; then it is `Lost`.
        gpus: GPUs of one task.
    """

    def run(task: Callable[[T], R], items: Sequence[T], label: Callable[[T], str]) -> Iterator[tuple[int, R | Lost]]:
        options = {"num_gpus": gpus, "scheduling_strategy": "SPREAD"}
        for index, result, _ in _Flight(task, label, limit, timeout_s, 0, options).run(items):
            yield index, result

    return run


def layer_work(fetches: int, fetch_timeout_s: float, layer_timeout_s: float, gpus: float | None) -> LayerWork:
    """Layers as tasks: as many at a time as the cluster has processors for, or GPUs where they use them."""
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    share, limit = shares_of(there, free, gpus)
    layers = ray_map(limit, layer_timeout_s, share)
    return LayerWork(layers, RayObjects(fetches, fetch_timeout_s), "auto" if share else "cpu")


def shares_of(there: Mapping[str, float], free: Mapping[str, float], gpus: float | None) -> tuple[float, int]:
    """GPUs of one task, and how many tasks run at a time.

    Args:
        there: the cluster's resources by Ray's names.
        free: those of them that nobody holds.
        gpus: as was asked for; None is `GPU_SHARE` where so much is free, and none elsewhere.
    """
    if gpus is not None:
        return gpus, max(1, int(there.get("GPU", 0.0) / gpus) if gpus else int(there.get("CPU", 1.0)))
    if (unused := free.get("GPU", 0.0)) >= GPU_SHARE:
        return GPU_SHARE, int(unused / GPU_SHARE)
    return 0.0, max(1, int(there.get("CPU", 1.0)))


@dataclass(frozen=True, slots=True)
class _InFlight:
    index: int
    deadline: float
    pieces: list[Any]


@dataclass(slots=True)
class _Flight:
    """Tasks in flight; each gives its result's reference, and `pieces` more."""

    task: Callable[[Any], Any]
    label: Callable[[Any], str]
    limit: int
    timeout_s: float
    pieces: int
    options: dict[str, Any]
    flying: dict[Any, _InFlight] = field(default_factory=dict)

    def run(self, items: Sequence[Any]) -> Iterator[tuple[int, Any, list[Any]]]:
        waiting = list(range(len(items)))[::-1]
        try:
            while self.flying or waiting:
                while waiting and len(self.flying) < self.limit:
                    index = waiting.pop()
                    self._start(index, items[index])
                yield from self._finished()
                yield from self._overdue()
        finally:
            for reference in self.flying:
                ray.cancel(reference, force=True)

    def _start(self, index: int, item: Any) -> None:
        remote = _remote(_scattered if self.pieces else _mapped)
        remote = remote.options(name=self.label(item), num_returns=1 + self.pieces, **self.options)
        given = remote.remote(self.task, item)
        head, *pieces = given if self.pieces else [given]
        self.flying[head] = _InFlight(index, time.monotonic() + self.timeout_s, pieces)

    def _finished(self) -> Iterator[tuple[int, Any, list[Any]]]:
        ready, _ = ray.wait(list(self.flying), num_returns=1, timeout=POLL_S, fetch_local=True)
        for reference in ready:
            state = self.flying.pop(reference)
            try:
                yield state.index, ray.get(reference, timeout=POLL_S * 100), state.pieces
            except (*_WORKER_LOST, GetTimeoutError) as error:
                # An error of Ray inside a task arrives as RayTaskError(that error).
                name = type(getattr(error, "cause", None) or error).__name__
                yield state.index, Lost(f"the worker, or what it needed, was lost: {name}"), []

    def _overdue(self) -> Iterator[tuple[int, Any, list[Any]]]:
        now = time.monotonic()
        for reference, state in list(self.flying.items()):
            if now > state.deadline:
                del self.flying[reference]
                ray.cancel(reference, force=True)
                yield state.index, Lost(f"no result within {self.timeout_s:g} s"), []


@functools.cache
def _remote(function: Callable[..., Any]) -> Any:
    """Made once: Ray keeps every remote function that it is given for as long as the cluster lives."""
    return ray.remote(num_cpus=TASK_CPUS, max_retries=RETRIES)(function)


def _mapped(task: Callable[[Any], Any], item: Any) -> Any:
    return task(item)


def _scattered(task: Callable[[Any], tuple[Any, Sequence[Any]]], item: Any) -> tuple[Any, ...]:
    head, pieces = task(item)
    return head, *pieces
