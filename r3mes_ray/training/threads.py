"""Work in threads of this process: torch's threads are shared out among them, so no more run than before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.ports import Lost, ParallelMap

T = TypeVar("T")
R = TypeVar("R")

LAYER_ENTRIES = 2**26
"""Weights of the layers that are computed at a time: each is dense in float64 once (512 MiB)."""
_SHARING = threading.Lock()
"""How many threads a torch operation has is one number of the process."""


def in_threads(function: Callable[[T], R], items: Sequence[T], workers: int) -> list[R]:
    """What a function makes of each item, in their order; each is asked for when it is its turn.

    The first exception, in the order of the items, is raised; what has not begun by then is left.
    """
    if min(workers, len(items)) <= 1:
        return [function(items[index]) for index in range(len(items))]
    with _SHARING:
        threads = torch.get_num_threads()
        share = max(1, threads // workers)
        try:
            with ThreadPoolExecutor(workers, "work", torch.set_num_threads, (share,)) as pool:
                return list(pool.map(lambda index: function(items[index]), range(len(items))))
        finally:
            torch.set_num_threads(threads)


def thread_map(workers: int) -> ParallelMap:
    """A map over threads of this process; the results come in the order of the items, when all are there."""

    def run(task: Callable[[T], R], items: Sequence[T], label: Callable[[T], str]) -> Iterator[tuple[int, R | Lost]]:
        return iter(list(enumerate(in_threads(task, items, workers))))

    return run


def threaded_layers(shapes: Mapping[str, tuple[int, int]]) -> LayerWork:
    """Small layers side by side, and large ones one after the other with all of torch's threads."""
    return LayerWork(thread_map(layers_at_a_time(shapes)))


def layers_at_a_time(shapes: Mapping[str, tuple[int, int]]) -> int:
    """Of a base: as many as there are threads, or as `LAYER_ENTRIES` lets be dense at a time."""
    largest = max((rows * columns for rows, columns in shapes.values()), default=1)
    return min(torch.get_num_threads(), max(1, LAYER_ENTRIES // largest))
