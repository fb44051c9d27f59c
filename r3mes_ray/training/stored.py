"""Verified adapters, read layer by layer, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from r3mes_ray.errors import ModelError
from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter
from r3mes_ray.models.adapters.history import History
from r3mes_ray.models.adapters.modules import MAGNITUDE, PREFIX, A, B
from r3mes_ray.models.adapters.tensors import FILE, Place, places_of, read_places
from r3mes_ray.training.effects import Part
from r3mes_ray.training.objects import Held, ObjectStore


class BaseWeights(Protocol):
    """What aggregation reads of a base; `models.base.BaseModel` is one."""

    @property
    def base_id(self) -> str:
        """Name that chain and manifests use."""
        ...

    @property
    def base_hash(self) -> str:
        """Hex SHA-256 of what the model computes."""
        ...

    @property
    def linear_shapes(self) -> dict[str, tuple[int, int]]:
        """(out, in) of each layer that may have an adapter, by name."""
        ...

    def effective_weight(self, name: str) -> Tensor:
        """Scale × ternary of one layer, (out, in)."""
        ...


def check_base(base: BaseWeights, wanted: str, what: str) -> None:
    """Raise ModelError unless this is the base that something stands on: a verdict on another one says nothing."""
    if base.base_hash != wanted:
        raise ModelError(base.base_id, f"its weights hash to {base.base_hash}, {what} is of base {wanted}")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an adapter: its path in the base, and the scale of B·A."""

    path: str
    scale: float


class Adapter(Protocol):
    """A package that was verified, wherever its tensors lie."""

    @property
    def dora(self) -> bool:
        """Whether it has magnitudes."""
        ...

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, by ascending path."""
        ...

    def held(self, path: str) -> Held[ModuleAdapter] | None:
        """One layer's tensors; None where the adapter leaves the layer as it is."""
        ...


@dataclass(frozen=True, slots=True)
class StoredModule:
    """One layer of a package on this disk; `places` are those of A, B and, of a DoRA, the magnitude in its file."""

    file: Path
    layer: Layer
    places: tuple[Place, ...]

    def get(self) -> ModuleAdapter:
        """Read it. Raises OSError where the file is not what it was."""
        a, b, *magnitude = read_places(self.file, self.places)
        return ModuleAdapter(a, b, self.layer.scale, magnitude[0] if magnitude else None)


@dataclass(frozen=True, slots=True)
class StoredAdapter:
    """A package that was verified and lies in `folder`; `modules` are its layers by ascending path."""

    folder: Path
    dora: bool
    modules: Mapping[str, StoredModule]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, by ascending path."""
        return tuple(module.layer for module in self.modules.values())

    def held(self, path: str) -> StoredModule | None:
        """One layer of the file."""
        return self.modules.get(path)


@dataclass(frozen=True, slots=True)
class Versions:
    """What a round goes on from: the expert's start version and those before it, each None for the base.

    Attributes:
        previous: as many as the round's momentum needs, the latest first.
        history: the updates that are in the start version, by its manifest.
    """

    start: Adapter | None = None
    previous: tuple[Adapter | None, ...] = ()
    history: History = ()


FROM_BASE = Versions()
"""Of an expert that has no version yet."""


@dataclass(frozen=True, slots=True)
class HeldAdapter:
    """A package that was verified, and whose layers the object store holds."""

    dora: bool
    layers: tuple[Layer, ...]
    modules: Mapping[str, Held[ModuleAdapter]]

    def held(self, path: str) -> Held[ModuleAdapter] | None:
        """One layer's tensors."""
        return self.modules.get(path)


def stored(folder: Path, package: AdapterPackage) -> StoredAdapter:
    """A package that was read from a folder."""
    file, endings = folder / FILE, (A, B, MAGNITUDE) if package.config.use_dora else (A, B)
    places = places_of(package.tensors, file.stat().st_size)
    modules = {
        layer.path: StoredModule(file, layer, tuple(places[f"{PREFIX}{layer.path}{ending}"] for ending in endings))
        for layer in layers_of(package)
    }
    return StoredAdapter(folder, package.config.use_dora, modules)


def share(adapter: StoredAdapter, objects: ObjectStore) -> HeldAdapter:
    """The same for every host that an object store reaches."""
    modules = {path: objects.share(module.get()) for path, module in adapter.modules.items()}
    return HeldAdapter(adapter.dora, adapter.layers, modules)


def part_at(adapter: Adapter | None, path: str) -> Part | None:
    """One layer's factors in float64; None where the adapter leaves the layer as it is."""
    module = None if adapter is None else adapter.held(path)
    return None if module is None else part_of(module.get())


def part_of(module: ModuleAdapter, device: str = "cpu") -> Part:
    """A layer's factors in float64 on a device, with the scale in B."""
    magnitude = None if module.magnitude is None else module.magnitude.to(device).double()
    return Part(module.b.to(device).double() * module.scale, module.a.to(device).double(), magnitude)


def layers_of(package: AdapterPackage) -> tuple[Layer, ...]:
    """The layers of a package, by ascending path."""
    return tuple(Layer(path, module.scale) for path, module in package.modules().items())
