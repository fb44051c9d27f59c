"""The adapter of each linear layer, as its factors: what the mathematics works on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.peft_config import MODULE_PATH
from r3mes_ray.protocol.gradient_hash import AdapterConfig

PREFIX = "base_model.model."
A, B, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"
"""Endings of the names that PEFT saves."""

_NAME = re.compile(r"(?:base_model\.model\.)?(.+?)\.(lora_[AB]|lora_magnitude_vector)(?:\.default)?(\.weight)?")


@dataclass(frozen=True, slots=True)
class ModuleAdapter:
    """One layer's part: ΔW = scale · B A, and of DoRA the magnitude of each row of the result.

    Attributes:
        a: (rank, in).
        b: (out, rank).
        scale: alpha / rank, or alpha / sqrt(rank) for rank-stabilised LoRA.
        magnitude: (out,), or `None` for LoRA.
    """

    a: Tensor
    b: Tensor
    scale: float
    magnitude: Tensor | None

    @property
    def rank(self) -> int:
        """Rows of `a`."""
        return int(self.a.shape[0])


def modules_of(config: AdapterConfig, tensors: Mapping[str, Tensor]) -> dict[str, ModuleAdapter]:
    """Adapters by the name of their layer (`model.layers.0.self_attn.q_proj`), ascending.

    Raises:
        PackageRejected: a tensor is missing, left over or of another shape than the configuration says.
    """
    paths = sorted({_path(name) for name in tensors})
    modules = {path: _module(path, config, tensors) for path in paths}
    if not modules:
        raise PackageRejected("tensors", "adapter", "has no tensor")
    unused = [t for t in config.target_modules if not any(_targets(t, path) for path in paths)]
    if unused:
        raise PackageRejected("tensors", unused[0], "is a target module without tensors")
    strange = sorted((set(config.rank_pattern) | set(config.alpha_pattern)) - set(paths))
    if strange:
        raise PackageRejected("tensors", strange[0], "is in a pattern, but has no tensors")
    return modules


def canonical_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the names that PEFT saves, from those of a loaded adapter or of another version of PEFT.

    Raises:
        PackageRejected: a name is no part of a LoRA or DoRA, or is there twice.
    """
    named: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise PackageRejected("tensors", name, "is no part of a LoRA or DoRA adapter")
        path, part = match[1], match[2]
        ending = MAGNITUDE if part == "lora_magnitude_vector" else f".{part}.weight"
        if f"{PREFIX}{path}{ending}" in named:
            raise PackageRejected("tensors", name, "is there twice, under two names")
        named[f"{PREFIX}{path}{ending}"] = tensor
    return named


def tensors_of(modules: Mapping[str, ModuleAdapter]) -> dict[str, Tensor]:
    """The tensors under PEFT's names; the inverse of `modules_of` but for scales."""
    tensors: dict[str, Tensor] = {}
    for path, module in modules.items():
        tensors |= {f"{PREFIX}{path}{A}": module.a, f"{PREFIX}{path}{B}": module.b}
        if module.magnitude is not None:
            tensors[f"{PREFIX}{path}{MAGNITUDE}"] = module.magnitude
    return tensors


def _path(name: str) -> str:
    for ending in (A, B, MAGNITUDE):
        path = name.removeprefix(PREFIX).removesuffix(ending)
        if name == f"{PREFIX}{path}{ending}" and MODULE_PATH.fullmatch(path):
            return path
    raise PackageRejected("tensors", name[:200], "is no name that PEFT gives to a LoRA or DoRA tensor")


def _targets(target: str, path: str) -> bool:
    return path == target or path.endswith(f".{target}")


def _module(path: str, config: AdapterConfig, tensors: Mapping[str, Tensor]) -> ModuleAdapter:
    if not any(_targets(target, path) for target in config.target_modules):
        raise PackageRejected("tensors", path, "is none of the target modules")
    a, b = tensors.get(f"{PREFIX}{path}{A}"), tensors.get(f"{PREFIX}{path}{B}")
    magnitude = tensors.get(f"{PREFIX}{path}{MAGNITUDE}")
    if a is None or b is None or (magnitude is None) == config.use_dora:
        raise PackageRejected("tensors", path, "misses lora_A or lora_B, or its magnitude does not fit use_dora")
    rank = config.rank_pattern.get(path, config.r)
    alpha = config.alpha_pattern.get(path, config.lora_alpha)
    if a.dim() != 2 or b.dim() != 2 or a.shape[0] != rank or b.shape[1] != rank:
        raise PackageRejected("shape", path, f"lora_A {tuple(a.shape)}, lora_B {tuple(b.shape)} are not of rank {rank}")
    if magnitude is not None and magnitude.shape != (b.shape[0],):
        raise PackageRejected("shape", path, f"magnitude {tuple(magnitude.shape)} is not ({b.shape[0]},)")
    return ModuleAdapter(a, b, alpha / (math.sqrt(rank) if config.use_rslora else rank), magnitude)
