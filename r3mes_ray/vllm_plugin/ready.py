"""Adapters as the engine needs them, and their way into a worker of the same process without any file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.gains import Gains


@dataclass(frozen=True, slots=True, eq=False)
class ReadyLayer:
    """One layer's part.

    Attributes:
        a: (rank, in), in the engine's data type.
        b: (out, rank) with scale and gain in it, in the engine's data type.
        gain: (out,) in float32, or `None` for LoRA.
    """

    a: Tensor
    b: Tensor
    gain: Tensor | None

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return self.a.nbytes + self.b.nbytes + (0 if self.gain is None else self.gain.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class ReadyAdapter:
    """An adapter of highest rank `rank`, by layers of the base's checkpoint."""

    rank: int
    layers: Mapping[str, ReadyLayer]

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return sum(layer.nbytes for layer in self.layers.values())


def make_ready(rank: int, modules: Mapping[str, ModuleAdapter], gains: Gains, dtype: torch.dtype) -> ReadyAdapter:
    """Fold scale and gain into B, in float64, and round once to the engine's data type."""
    return ReadyAdapter(rank, {name: _layer(module, gains.get(name), dtype) for name, module in modules.items()})


def _layer(module: ModuleAdapter, gain: Tensor | None, dtype: torch.dtype) -> ReadyLayer:
    high = module.b.double() * module.scale
    if gain is not None:
        high = gain[:, None] * high
    rounded = None if gain is None else gain.float()
    return ReadyLayer(module.a.to(dtype).contiguous(), high.to(dtype).contiguous(), rounded)


_handed: dict[str, ReadyAdapter] = {}


@contextmanager
def handed_over(path: str, adapter: ReadyAdapter) -> Iterator[None]:
    """Within it, a worker of this process that is to load `path` finds the adapter and reads no file."""
    _handed[path] = adapter
    try:
        yield
    finally:
        _handed.pop(path, None)


def take(path: str) -> ReadyAdapter | None:
    """The adapter that was handed over under this path; once."""
    return _handed.pop(path, None)
