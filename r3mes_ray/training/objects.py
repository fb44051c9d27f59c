"""The cluster's object store as the training half sees it: values that travel by reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from r3mes_ray.training.ports import Lost

T = TypeVar("T")
R = TypeVar("R")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Held(Protocol[V_co]):
    """A value that somebody holds; picklable, and small whatever the value is."""

    def get(self) -> V_co:
        """The value, brought here where it is elsewhere."""
        ...


@dataclass(frozen=True, slots=True)
class Here(Generic[V]):
    """A value of this process."""

    value: V

    def get(self) -> V:
        """The value itself."""
        return self.value


class ObjectStore(Protocol):
    """Holds values for as long as somebody keeps what it gave for them."""

    def share(self, value: V) -> Held[V]:
        """Hold one value."""
        ...

    def scatter(
        self, task: Callable[[T], tuple[R, Sequence[V]]], items: Sequence[T], label: Callable[[T], str], pieces: int
    ) -> Iterator[tuple[int, tuple[R, tuple[Held[V], ...]] | Lost]]:
        """A parallel map whose results come in two: a small one, and `pieces` values that stay where they were made."""
        ...


@dataclass(frozen=True, slots=True)
class LocalObjects:
    """The object store of one process: the default, and the oracle of every other one."""

    def share(self, value: V) -> Held[V]:
        """The value itself."""
        return Here(value)

    def scatter(
        self, task: Callable[[T], tuple[R, Sequence[V]]], items: Sequence[T], label: Callable[[T], str], pieces: int
    ) -> Iterator[tuple[int, tuple[R, tuple[Held[V], ...]] | Lost]]:
        """One item after the other."""
        for index, item in enumerate(items):
            head, values = task(item)
            yield index, (head, tuple(Here(value) for value in values))
