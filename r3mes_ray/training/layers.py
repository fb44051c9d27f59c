"""Work on a round's adapters layer by layer, anywhere in the cluster: a layer is one task, and its result is small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

import torch
from torch import Tensor

from r3mes_ray.errors import WorkLost
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.pack import pack_codes, unpack_codes
from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.devices import device_of_worker
from r3mes_ray.training.effects import Part
from r3mes_ray.training.objects import Held, LocalObjects, ObjectStore
from r3mes_ray.training.ports import Lost, ParallelMap, serial_map
from r3mes_ray.training.stored import Adapter, BaseWeights, part_of

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LayerWeight:
    """The base's effective weight of one layer, (o, k); a ternary one travels in two bits each."""

    weight: Tensor

    def __reduce__(self) -> tuple[Callable[..., LayerWeight], tuple[Any, ...]]:
        scale = self.weight.abs().max()
        codes = (self.weight / scale).nan_to_num().round()
        if not bool((codes * scale == self.weight).all()):
            return LayerWeight, (self.weight,)
        return _unpacked, (pack_codes(codes.to(torch.int8)), int(self.weight.shape[0]), scale)


def _unpacked(packed: Tensor, rows: int, scale: Tensor) -> LayerWeight:
    return LayerWeight(unpack_codes(packed, rows, "layer").to(scale.dtype) * scale)


@dataclass(frozen=True, slots=True)
class LayerJob:
    """One layer of the base, and what each adapter does to it.

    Attributes:
        dora: whether one of the modules has a magnitude, so that nobody reads them all to know.
        device: where it is computed; `auto` is a worker's GPU where it has one with the CPU's bits.
    """

    path: str
    weight: Held[LayerWeight]
    modules: tuple[Held[ModuleAdapter] | None, ...]
    dora: bool
    algebra: Algebra
    device: str

    def load(self) -> tuple[Tensor, Parts]:
        """W₀ (o, k), and each adapter's factors as they are asked for."""
        device = device_of_worker() if self.device == "auto" else self.device
        return self.weight.get().weight.to(device), Parts(self.modules, device)


@dataclass(frozen=True, slots=True)
class Parts(Sequence[Part | None]):
    """One layer's parts of many adapters, each brought here when it is asked for; None is no adapter."""

    modules: Sequence[Held[ModuleAdapter] | None]
    device: str

    def __len__(self) -> int:
        return len(self.modules)

    @overload
    def __getitem__(self, index: int) -> Part | None: ...

    @overload
    def __getitem__(self, index: slice) -> Parts: ...

    def __getitem__(self, index: int | slice) -> Part | Parts | None:
        if isinstance(index, slice):
            return Parts(self.modules[index], self.device)
        module = self.modules[index]
        return None if module is None else part_of(module.get(), self.device)


@dataclass(frozen=True, slots=True)
class _Jobs(Sequence[LayerJob]):
    """Jobs that are made when they are asked for: a dense base of all layers would be larger than the model."""

    paths: Sequence[str]
    make: Callable[[str], LayerJob]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> LayerJob: ...

    @overload
    def __getitem__(self, index: slice) -> _Jobs: ...

    def __getitem__(self, index: int | slice) -> LayerJob | _Jobs:
        if isinstance(index, slice):
            return _Jobs(self.paths[index], self.make)
        return self.make(self.paths[index])


@dataclass(frozen=True, slots=True)
class LayerWork:
    """Where the layers of a round are computed: one after the other in this process, or as tasks of a cluster."""

    parallel: ParallelMap = serial_map
    objects: ObjectStore = field(default_factory=LocalObjects)
    device: str = "cpu"

    def each(
        self,
        task: Callable[[LayerJob], R],
        base: BaseWeights,
        adapters: Sequence[Adapter | None],
        *,
        name: str,
        algebra: Algebra = REPRODUCIBLE,
    ) -> Iterator[tuple[str, R]]:
        """What a picklable task makes of each layer that any of the adapters touches, by ascending path.

        Raises:
            WorkLost: workers died again and again, or with them what they held.
        """
        paths = paths_of(adapters)
        jobs = _Jobs(paths, lambda path: self._job(path, base, adapters, algebra))
        results: dict[int, R] = {}
        for index, result in self.parallel(task, jobs, lambda job: f"{name} {job.path}"):
            if isinstance(result, Lost):
                raise WorkLost(f"{name} {paths[index]}", result.reason)
            results[index] = result
        for index, path in enumerate(paths):
            yield path, results.pop(index)

    def _job(self, path: str, base: BaseWeights, adapters: Sequence[Adapter | None], algebra: Algebra) -> LayerJob:
        weight = self.objects.share(LayerWeight(base.effective_weight(path)))
        modules = tuple(None if adapter is None else adapter.held(path) for adapter in adapters)
        pairs = zip(adapters, modules, strict=True)
        dora = any(adapter is not None and adapter.dora and module is not None for adapter, module in pairs)
        return LayerJob(path, weight, modules, dora, algebra, self.device)


IN_PROCESS = LayerWork()
"""Layer after layer in this process."""


def paths_of(adapters: Sequence[Adapter | None]) -> list[str]:
    """Every layer that one of the adapters touches, ascending."""
    return sorted({layer.path for adapter in adapters if adapter is not None for layer in adapter.layers})
