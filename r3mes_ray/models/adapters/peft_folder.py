"""A folder as PEFT saves it as an adapter package of ours.

PEFT's folder says neither of which expert it is nor which weights it was made for: who imports it says both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import peft_config, tensors
from r3mes_ray.models.adapters.canonical_json import parse_object
from r3mes_ray.models.adapters.manifest import UpdateOrigin
from r3mes_ray.models.adapters.modules import MAGNITUDE, PREFIX, A, canonical_names
from r3mes_ray.models.adapters.package import AdapterPackage, make_package
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.types import Address, RoundId

IMPORTED = UpdateOrigin(Address("unknown"), RoundId(0))
_MAX_CONFIG_BYTES = 1 << 20
_OTHER_FORMULA = (
    "alora_invocation_tokens", "arrow_config", "fan_in_fan_out", "kasa_config", "layer_replication", "lora_bias",
    "modules_to_save", "target_parameters", "trainable_token_indices", "use_bdlora", "use_qalora",
)  # fmt: skip
"""What PEFT computes otherwise where one of these is set."""


@dataclass(frozen=True, slots=True)
class Named:
    """Whose package it becomes, and of which base."""

    base_id: str
    base_hash: str
    expert: str
    version: int


def package_of_peft(folder: Path, named: Named, *, max_bytes: int) -> AdapterPackage:
    """Read PEFT's two files, whatever else is in the folder.

    Raises:
        PackageRejected: a file is missing, too large or damaged, or the adapter is no plain LoRA or DoRA.
    """
    raw = parse_object(_read(folder, peft_config.FILE, _MAX_CONFIG_BYTES), peft_config.FILE)
    data = _read(folder, tensors.FILE, max_bytes)
    try:
        found = {name: _flat(name, tensor) for name, tensor in canonical_names(load(data)).items()}
    except SafetensorError as error:
        raise PackageRejected("safetensors", tensors.FILE, str(error)) from error
    config = _config(raw, found, named.base_hash)
    return make_package(
        config, found, base_id=named.base_id, expert=named.expert, version=named.version, origin=IMPORTED
    )


def _read(folder: Path, name: str, max_bytes: int) -> bytes:
    try:
        with (folder / name).open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise PackageRejected("files", name, f"cannot be read: {error.strerror}") from error
    if len(data) > max_bytes:
        raise PackageRejected("size", name, f"is larger than {max_bytes} bytes")
    return data


def _flat(name: str, tensor: Tensor) -> Tensor:
    return tensor.reshape(-1) if name.endswith(MAGNITUDE) else tensor


def _config(raw: Mapping[str, Any], found: Mapping[str, Tensor], base_hash: str) -> AdapterConfig:
    """The configuration by whole paths: PEFT's patterns name ends of paths."""
    strange = [key for key in _OTHER_FORMULA if raw.get(key)]
    if raw.get("peft_type") != "LORA" or raw.get("bias", "none") != "none" or strange:
        detail = f"is no plain LoRA or DoRA ({', '.join(strange) or 'peft_type, bias'})"
        raise PackageRejected("config", peft_config.FILE, detail)
    paths = sorted(name.removeprefix(PREFIX).removesuffix(A) for name in found if name.endswith(A))
    rank, alpha = raw.get("r"), raw.get("lora_alpha")
    ranks = {path: _by_pattern(raw, "rank_pattern", path, rank) for path in paths}
    alphas = {path: _by_pattern(raw, "alpha_pattern", path, alpha) for path in paths}
    return AdapterConfig(
        peft_type="LORA",
        r=_whole("r", rank),
        lora_alpha=_whole("lora_alpha", alpha),
        use_rslora=raw.get("use_rslora") is True,
        use_dora=raw.get("use_dora") is True,
        target_modules=tuple(paths),
        rank_pattern={path: own for path, own in ranks.items() if own != rank},
        alpha_pattern={path: own for path, own in alphas.items() if own != alpha},
        base_hash=base_hash,
    )


def _by_pattern(raw: Mapping[str, Any], key: str, path: str, otherwise: Any) -> int:
    """The value of the first name that is the path's end, as PEFT looks it up; names with wildcards are refused."""
    pattern = raw.get(key) or {}
    for name, value in pattern.items() if isinstance(pattern, dict) else ():
        if peft_config.MODULE_PATH.fullmatch(name) is None:
            raise PackageRejected("config", peft_config.FILE, f"{key} names {name[:80]!r}, which is no module path")
        if path == name or path.endswith(f".{name}"):
            return _whole(key, value)
    return _whole(key, otherwise)


def _whole(key: str, value: Any) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(whole) is not int or whole < 1:
        raise PackageRejected("config", peft_config.FILE, f"{key} is no positive integer")
    return whole
