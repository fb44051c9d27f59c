"""Reading an adapter folder, ours or PEFT's, into factors by layer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor
from vllm.lora.peft_helper import PEFTHelper

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter, read_package
from r3mes_ray.models.adapters.manifest import FILE as MANIFEST
from r3mes_ray.models.adapters.modules import MAGNITUDE, PREFIX, A, B, canonical_names

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
MAX_BYTES = 1 << 32
_MAX_JSON_BYTES = 1 << 20
NO_LINEAR = "is no linear layer of the model; embeddings, lm_head and experts (MoE) take no adapter"
_ELSEWHERE = re.compile(rf"(?:{re.escape(PREFIX)})?(.+?)\.(?:lora_embedding_[AB]|base_layer)(?:\..+)?")
"""Names of tensors that PEFT saves for embeddings, for `lm_head` with its weight, and for parameters of experts."""
_FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True, eq=False)
class AdapterFiles:
    """An adapter as read.

    Attributes:
        modules: factors by layer, named as in the base's checkpoint.
        helper: vLLM's view of the configuration.
        identity: hex SHA-256 of what it is: the gradient hash of ours, the files of another.
        base_hash: the base that it says it belongs to; only ours says so.
        dora: whether it has magnitudes.
    """

    modules: Mapping[str, ModuleAdapter]
    helper: PEFTHelper
    identity: str
    base_hash: str | None
    dora: bool


def read_adapter(folder: Path, context_tokens: int | None) -> AdapterFiles:
    """Read a folder; one with a manifest (`r3mes.json`) is verified as a package.

    Raises:
        FileNotFoundError: there is no adapter.
        PackageRejected: it breaks a rule, or PEFT's files do not fit together.
    """
    config = _read(folder / CONFIG, _MAX_JSON_BYTES)
    helper = PEFTHelper.from_local_dir(str(folder), context_tokens)
    if (folder / MANIFEST).exists():
        return _ours(read_package(folder, max_bytes=MAX_BYTES), helper)
    data = _read(folder / TENSORS, MAX_BYTES)
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise PackageRejected("safetensors", TENSORS, str(error)) from error
    _refuse_other_targets(config, tensors)
    digest = hashlib.sha256(config)
    digest.update(data)
    return AdapterFiles(_modules(tensors, helper), helper, digest.hexdigest(), None, bool(helper.use_dora))


def _read(path: Path, max_bytes: int) -> bytes:
    if path.stat().st_size > max_bytes:
        raise PackageRejected("size", path.name, f"is larger than {max_bytes} bytes")
    with path.open("rb") as file:
        return file.read(max_bytes)


def _refuse_other_targets(config: bytes, tensors: Mapping[str, Tensor]) -> None:
    """Name what is adapted beside linear layers, which the shapes of its tensors would not say."""
    parameters = json.loads(config).get("target_parameters") or []
    found = [*parameters, *(match[1] for match in map(_ELSEWHERE.fullmatch, sorted(tensors)) if match)]
    if found:
        raise PackageRejected("target", str(found[0]), NO_LINEAR)


def without_dora(helper: PEFTHelper) -> PEFTHelper:
    """The configuration as vLLM's own checks accept it: they refuse DoRA, which is applied here."""
    return replace(helper, use_dora=False)


def _ours(package: AdapterPackage, helper: PEFTHelper) -> AdapterFiles:
    manifest = package.manifest
    dora = package.config.use_dora
    return AdapterFiles(package.modules(), helper, manifest.gradient_hash, manifest.base_hash, dora)


def _modules(tensors: Mapping[str, Tensor], helper: PEFTHelper) -> dict[str, ModuleAdapter]:
    named = canonical_names(tensors)
    layers = {name.removeprefix(PREFIX).rpartition(".lora_")[0] for name in named}
    return {layer: _module(layer, named, helper) for layer in sorted(layers)}


def _module(layer: str, named: Mapping[str, Tensor], helper: PEFTHelper) -> ModuleAdapter:
    a, b, magnitude = (named.get(f"{PREFIX}{layer}{ending}") for ending in (A, B, MAGNITUDE))
    if a is None or b is None or (magnitude is None) == bool(helper.use_dora):
        raise PackageRejected("tensors", layer, "misses lora_A or lora_B, or its magnitude does not fit use_dora")
    rank, scale = helper.get_rank_and_scaling(layer)
    _check_factors(layer, a, b, rank)
    if magnitude is not None:
        _check_magnitude(layer, magnitude, len(b))
    return ModuleAdapter(a, b, scale, None if magnitude is None else magnitude.reshape(-1))


def _check_factors(layer: str, a: Tensor, b: Tensor, rank: int) -> None:
    if a.dim() != 2 or b.dim() != 2 or len(a) != rank or b.shape[1] != rank:
        raise PackageRejected(
            "shape", layer, f"lora_A {tuple(a.shape)}, lora_B {tuple(b.shape)} are no matrices of rank {rank}"
        )
    _check_values(layer, a)
    _check_values(layer, b)


def _check_magnitude(layer: str, magnitude: Tensor, rows: int) -> None:
    if magnitude.numel() != rows:
        found = tuple(magnitude.shape)
        raise PackageRejected("shape", layer, f"has a magnitude of shape {found} for {rows} rows of lora_B")
    _check_values(layer, magnitude)
    if not bool((magnitude > 0).all()):
        raise PackageRejected("magnitude", layer, "is not positive everywhere")


def _check_values(layer: str, tensor: Tensor) -> None:
    if tensor.dtype not in _FLOATS:
        raise PackageRejected("dtype", layer, f"has values of type {tensor.dtype}, not of a float type")
    if not bool(torch.isfinite(tensor).all()):
        raise PackageRejected("finite", layer, "has a value that is NaN or infinite")
