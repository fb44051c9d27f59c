"""DoRA's gains g = m / |W + s B A| of an adapter: computed once for each (adapter, base), and kept on disk.

By factors and in float64 from the whole effective base (`models.dora`), so that they do not depend on shards, on an
engine's data type, or on how it stores its weights.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from r3mes_ray.models.adapters.modules import ModuleAdapter
from r3mes_ray.models.dora import gain

Gains = Mapping[str, Tensor]
"""g in float64 (out,) by layer of the base's checkpoint."""

DEFAULT_BYTES = 1 << 30
_DIGEST = "sha256"


class GainCache:
    """Gains by (adapter, base) as files; the ones that were used last stay. It holds none in memory.

    Several processes, and threads of one, may share a folder.

    Args:
        base_hash: of the base that the norms are of.
        folder: of the files; `None` keeps none, and computes every time.
        max_bytes: of all files together.
    """

    def __init__(self, base_hash: str, folder: Path | None = None, max_bytes: int = DEFAULT_BYTES) -> None:
        self._base_hash, self._folder, self._max_bytes = base_hash, folder, max_bytes
        self.computed = 0

    def of(self, identity: str, modules: Mapping[str, ModuleAdapter], weight: Callable[[str], Tensor]) -> Gains:
        """The gains of an adapter; none of one that is a LoRA.

        Cost: one product W Aᵀ a layer, in float64, the first time; then one small file is read.

        Args:
            identity: hex digest of the adapter's content.
            modules: its factors by layer.
            weight: the base's effective weight (out, in) of a layer; asked only where gains are computed.

        Raises:
            OSError: the file cannot be written.
        """
        scaled = {name: module for name, module in modules.items() if module.magnitude is not None}
        if not scaled:
            return {}
        path = None if self._folder is None else self._folder / f"{identity}-{self._base_hash}.safetensors"
        kept = None if path is None else _read(path, scaled)
        if kept is not None:
            return kept
        self.computed += 1
        gains = {name: gain(weight(name).cpu(), module) for name, module in scaled.items()}
        if path is not None:
            _write(path, gains)
            _evict(path.parent, self._max_bytes)
        return gains


def _read(path: Path, modules: Mapping[str, ModuleAdapter]) -> Gains | None:
    """The gains of a file; `None` where there is none, or a damaged one, which is then written anew."""
    try:
        with safe_open(path, framework="pt") as file:
            gains = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            told = (file.metadata() or {}).get(_DIGEST)
        os.utime(path)
    except (FileNotFoundError, SafetensorError):
        return None
    fits = {name: len(g) for name, g in gains.items()} == {name: len(one.b) for name, one in modules.items()}
    return gains if fits and told == _digest(gains) else None


def _write(path: Path, gains: Gains) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, unfinished = tempfile.mkstemp(prefix=path.stem, dir=path.parent)
    os.close(number)
    save_file(dict(gains), unfinished, metadata={_DIGEST: _digest(gains)})
    os.replace(unfinished, path)


def _evict(folder: Path, max_bytes: int) -> None:
    """Delete files, those used longest ago first, until the rest is within the budget."""
    total = 0
    for _, path, size in sorted(_files(folder), reverse=True):
        total += size
        if total > max_bytes:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[int, Path, int]]:
    """(time of last use, path, bytes) of each file, leftovers of a killed process among them."""
    found = []
    for path in folder.iterdir():
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # another process evicted it
        found.append((status.st_mtime_ns, path, status.st_size))
    return found


def _digest(gains: Gains) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(gains.items()):
        digest.update(name.encode() + b"\0" + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
