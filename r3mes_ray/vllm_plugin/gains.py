"""DoRA's gains g = m / |W + s B A| of an adapter: computed once, kept by (adapter, base).

By factors and in float64 from the whole effective base (`models.dora`), so that they do not depend on shards, on the
engine's data type, or on how it stores its weights.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from r3mes_ray.models.dora import gain
from r3mes_ray.vllm_plugin.adapter_files import AdapterFiles
from r3mes_ray.vllm_plugin.base_weights import BaseWeights

Gains = Mapping[str, Tensor]
"""g in float64 (out,) by layer of the base's checkpoint."""


class GainCache:
    """Gains of the adapters that were used last.

    Args:
        base: what the norms are of.
        folder: keeps them across restarts, a file for each (adapter, base); `None` keeps them in memory alone.
        max_bytes: of those in memory.
    """

    def __init__(self, base: BaseWeights, folder: Path | None = None, max_bytes: int = 1 << 28) -> None:
        self._base, self._folder, self._max_bytes = base, folder, max_bytes
        self._held: OrderedDict[str, Gains] = OrderedDict()
        self.computed = 0

    def of(self, adapter: AdapterFiles) -> Gains:
        """The gains of an adapter; none of one that is a LoRA.

        Cost: one product W Aᵀ a layer, in float64, the first time.

        Raises:
            ModelError: the base lacks a layer, or stores it in a form that is not read.
        """
        if not adapter.dora:
            return {}
        gains = self._held.pop(adapter.identity, None) or self._read(adapter) or self._compute(adapter)
        self._held[adapter.identity] = gains
        while len(self._held) > 1 and sum(map(_nbytes, self._held.values())) > self._max_bytes:
            self._held.popitem(last=False)
        return gains

    def _compute(self, adapter: AdapterFiles) -> Gains:
        gains = {name: gain(self._base.weight(name), module) for name, module in adapter.modules.items()}
        self.computed += 1
        if (path := self._path(adapter)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            save_file(gains, unfinished)
            unfinished.replace(path)
        return gains

    def _read(self, adapter: AdapterFiles) -> Gains | None:
        path = self._path(adapter)
        if path is None or not path.exists():
            return None
        try:
            gains: Gains = load_file(path)
        except SafetensorError:
            return None  # damaged: computed again, and replaced
        shapes = {name: module.b.shape[0] for name, module in adapter.modules.items()}
        return gains if {name: len(g) for name, g in gains.items()} == shapes else None

    def _path(self, adapter: AdapterFiles) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{adapter.identity}-{self._base.base_hash}.safetensors"


def _nbytes(gains: Gains) -> int:
    return sum(g.nbytes for g in gains.values())
