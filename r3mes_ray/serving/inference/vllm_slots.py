"""Numbered slots over vLLM's own adapters.

An adapter is added before a request may name it: a bad one inside a request would hang vLLM 0.32.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from vllm.exceptions import VLLMClientError
from vllm.lora.request import LoRARequest
from vllm.v1.engine.llm_engine import LLMEngine

from r3mes_ray.errors import InvalidInput, PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, check_against_base, write_package
from r3mes_ray.models.gains import GainCache
from r3mes_ray.serving.inference.base import BASE_SLOT, PreparedAdapter
from r3mes_ray.serving.inference.opened import ServedBase
from r3mes_ray.vllm_plugin import adapter_request
from r3mes_ray.vllm_plugin.ready import ReadyAdapter, handed_over, make_ready


@dataclass(frozen=True, slots=True, eq=False)
class VllmAdapter:
    """An adapter that vLLM's worker only has to register.

    Attributes:
        name: says what is in it.
        content: its tensors; for an engine of several processes the package, of which each takes its shards.
        nbytes: bytes that it takes in a slot.
    """

    name: str
    content: ReadyAdapter | AdapterPackage
    nbytes: int


@dataclass(frozen=True, slots=True)
class EngineSide:
    """What adapters are made ready with.

    Attributes:
        base: the model that is served.
        weight: its effective weight (out, in) of a layer.
        gains: DoRA's gains, kept on disk.
        dtype: of the engine.
        max_rank: the highest that the engine has memory for.
        slot_bytes: of a slot where all take the same; else an adapter takes what its tensors do.
        ranks: processes that the model is sharded over.
    """

    base: ServedBase
    weight: Callable[[str], Tensor]
    gains: GainCache
    dtype: torch.dtype
    max_rank: int
    slot_bytes: int | None = None
    ranks: int = 1


class VllmSlots:
    """Numbered slots over vLLM's adapters; `place` is called on the thread that steps the engine."""

    def __init__(self, engine: LLMEngine, side: EngineSide) -> None:
        self._engine, self._side = engine, side
        self._numbers = itertools.count(1)
        self._placed: dict[int, LoRARequest] = {}
        self._folder = TemporaryDirectory(prefix="r3mes-adapters-")

    def prepare(self, package: AdapterPackage) -> VllmAdapter:
        """Make all tensors that the engine holds, so that its thread need not.

        Raises:
            PackageRejected: it does not fit the base, or its rank is above what the engine has memory for.
        """
        side, found = self._side, package.manifest
        check_against_base(package, side.base.linear_shapes, side.base.base_hash, side.max_rank)
        modules = package.modules()
        gains = side.gains.of(found.gradient_hash, modules, side.weight)
        # vLLM's prefix cache is keyed by name: the name says what is in the package.
        name = f"{found.expert}@{found.version}-{found.gradient_hash}"
        ready = make_ready(package.config.r, modules, gains, side.dtype)
        return VllmAdapter(name, ready if side.ranks == 1 else package, side.slot_bytes or ready.nbytes)

    def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Add an adapter to vLLM in place of what the slot holds, or only take that out.

        Raises:
            PackageRejected: vLLM does not take the adapter; the slot is empty then.
            InvalidInput: another engine prepared it.
        """
        if adapter is not None and not isinstance(adapter, VllmAdapter):
            raise InvalidInput("adapter", f"{type(adapter).__name__} was prepared by another engine")
        placed = self._placed.pop(slot, None)
        if placed is not None:
            self._engine.remove_lora(placed.lora_int_id)
        if adapter is None:
            return
        number = next(self._numbers)
        request = adapter_request(adapter.name, number, Path(self._folder.name, str(number)))
        try:
            self._add(request, adapter)
        except Exception:
            # What vLLM had registered before it failed would take up one of its places for good.
            self._engine.remove_lora(number)
            raise
        self._placed[slot] = request

    def _add(self, request: LoRARequest, adapter: VllmAdapter) -> None:
        try:
            with _within_reach(request.lora_path, adapter.content):
                added = self._engine.add_lora(request)
        except (ValueError, VLLMClientError) as error:
            raise PackageRejected("engine", adapter.name, f"vLLM does not take it: {error}") from error
        if not added:
            raise PackageRejected("engine", adapter.name, "vLLM does not take it, and does not say why")

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
        return placed


@contextmanager
def _within_reach(path: str, content: ReadyAdapter | AdapterPackage) -> Iterator[None]:
    """Let the engine's workers find an adapter under `path` while they load it: in this process, or on disk."""
    if isinstance(content, ReadyAdapter):
        with handed_over(path, content):
            yield
        return
    write_package(content, Path(path))
    try:
        yield
    finally:
        shutil.rmtree(path)
