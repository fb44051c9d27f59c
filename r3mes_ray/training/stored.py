"""Verified adapters on disk, read layer by layer, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, overload

from safetensors import safe_open
from torch import Tensor

from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.models.adapters.modules import MAGNITUDE, PREFIX, A, B
from r3mes_ray.models.adapters.tensors import FILE
from r3mes_ray.training.effects import Part


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


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an adapter: its path in the base, and the scale of B·A."""

    path: str
    scale: float


@dataclass(frozen=True, slots=True)
class StoredAdapter:
    """A package that was verified and lies in `folder`."""

    folder: Path
    dora: bool
    layers: tuple[Layer, ...]

    def part(self, path: str) -> Part | None:
        """One layer's factors in float64 with the scale in B; None where the adapter leaves the layer as it is."""
        layer = next((layer for layer in self.layers if layer.path == path), None)
        if layer is None:
            return None
        with safe_open(self.folder / FILE, framework="pt") as file:
            b: Tensor = file.get_tensor(f"{PREFIX}{path}{B}")
            a: Tensor = file.get_tensor(f"{PREFIX}{path}{A}")
            magnitude: Tensor | None = file.get_tensor(f"{PREFIX}{path}{MAGNITUDE}") if self.dora else None
        return Part(b.double() * layer.scale, a.double(), None if magnitude is None else magnitude.double())


@dataclass(frozen=True, slots=True)
class StoredParts(Sequence[Part | None]):
    """One layer's parts of many adapters, each read from disk when it is asked for; None is no adapter."""

    adapters: Sequence[StoredAdapter | None]
    path: str

    def __len__(self) -> int:
        return len(self.adapters)

    @overload
    def __getitem__(self, index: int) -> Part | None: ...

    @overload
    def __getitem__(self, index: slice) -> StoredParts: ...

    def __getitem__(self, index: int | slice) -> Part | StoredParts | None:
        if isinstance(index, slice):
            return StoredParts(self.adapters[index], self.path)
        adapter = self.adapters[index]
        return None if adapter is None else adapter.part(self.path)


def layers_of(package: AdapterPackage) -> tuple[Layer, ...]:
    """The layers of a package, by ascending path."""
    return tuple(Layer(path, module.scale) for path, module in package.modules().items())
