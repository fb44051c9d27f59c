"""Numbered slots over vLLM's own adapters.

An adapter is added before a request may name it: a bad one inside a request would hang vLLM 0.32.
"""

from __future__ import annotations

import itertools
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from vllm.exceptions import VLLMClientError
from vllm.lora.request import LoRARequest
from vllm.v1.engine.llm_engine import LLMEngine

from r3mes_ray.errors import InvalidInput, PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, check_against_base, write_package
from r3mes_ray.serving.inference.base import BASE_SLOT, PreparedAdapter
from r3mes_ray.serving.inference.opened import ServedBase
from r3mes_ray.vllm_plugin import adapter_request
from r3mes_ray.vllm_plugin.adapter_files import read_adapter
from r3mes_ray.vllm_plugin.gains import GainCache


@dataclass(frozen=True, slots=True)
class PreparedFolder:
    """A package as a folder that vLLM reads; it is there as long as this is."""

    name: str
    identity: str
    folder: tempfile.TemporaryDirectory[str] = field(repr=False)
    nbytes: int


class VllmSlots:
    """Numbered slots over vLLM's adapters; `place` is called on the thread that steps the engine."""

    def __init__(self, engine: LLMEngine, base: ServedBase, gains: GainCache, folder: Path, *, max_rank: int) -> None:
        """`gains` writes to `folder`, where the engine's worker looks before it computes any."""
        self._engine, self._base, self._max_rank = engine, base, max_rank
        self._gains, self._folder = gains, folder
        self._numbers = itertools.count(1)
        self._placed: dict[int, tuple[LoRARequest, PreparedFolder]] = {}

    def prepare(self, package: AdapterPackage) -> PreparedFolder:
        """Write the package where vLLM can read it, and compute its gains, so that the engine's thread need not.

        Raises:
            PackageRejected: it does not fit the base, or its rank is above what the engine has memory for.
        """
        check_against_base(package, self._base.linear_shapes, self._base.base_hash, self._max_rank)
        folder = tempfile.TemporaryDirectory(prefix="r3mes-vllm-")
        found = package.manifest
        write_package(package, Path(folder.name))
        self._gains.of(read_adapter(Path(folder.name), self._base.context_tokens))
        weakref.finalize(folder, _remove_gains, self._folder, found.gradient_hash)
        # vLLM's prefix cache is keyed by name: the name says what is in the package.
        name = f"{found.expert}@{found.version}-{found.gradient_hash}"
        return PreparedFolder(name, found.gradient_hash, folder, package.nbytes)

    def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Add an adapter to vLLM, or take it out.

        Raises:
            PackageRejected: vLLM does not take it.
        """
        if adapter is None:
            placed = self._placed.pop(slot, None)
            if placed is not None:
                self._engine.remove_lora(placed[0].lora_int_id)
            return
        if not isinstance(adapter, PreparedFolder):
            raise InvalidInput("adapter", f"{type(adapter).__name__} was prepared by another engine")
        request = adapter_request(adapter.name, next(self._numbers), Path(adapter.folder.name))
        try:
            added = self._engine.add_lora(request)
        except (ValueError, RuntimeError, VLLMClientError) as error:
            raise PackageRejected("engine", adapter.name, f"vLLM does not take it: {error}") from error
        if not added:
            raise PackageRejected("engine", adapter.name, "vLLM does not take it, and does not say why")
        self._placed[slot] = (request, adapter)
        # The worker holds them now.
        _remove_gains(self._folder, adapter.identity)

    def request_of(self, slot: int) -> LoRARequest | None:
        """What a request of this slot names.

        Raises:
            InvalidInput: the slot is empty.
        """
        if slot == BASE_SLOT:
            return None
        placed = self._placed.get(slot)
        if placed is None:
            raise InvalidInput("slot", f"{slot} is empty")
        return placed[0]


def _remove_gains(folder: Path, identity: str) -> None:
    """Also of an adapter that was checked and never placed."""
    for gains in folder.glob(f"{identity}-*"):
        gains.unlink(missing_ok=True)
