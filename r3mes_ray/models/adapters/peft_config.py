"""`adapter_config.json`: the part of PEFT's configuration that is used, with every other value fixed."""

from __future__ import annotations

import re
from typing import Any

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.canonical_json import canonical, parse_object, require_canonical
from r3mes_ray.protocol.gradient_hash import AdapterConfig

FILE = "adapter_config.json"
MODULE_PATH = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
"""Path of a module; no character that means something in PEFT's patterns but the dot."""

_MAX_NUMBER = 1 << 16
_FIXED: dict[str, Any] = {
    "bias": "none",
    "fan_in_fan_out": False,
    "inference_mode": True,
    "lora_dropout": 0,
    "modules_to_save": None,
    "task_type": "CAUSAL_LM",
}


def encode_config(config: AdapterConfig, base_id: str) -> bytes:
    """Canonical bytes of `adapter_config.json`.

    Raises:
        PackageRejected: a value that `decode_config` would refuse.
    """
    data = canonical(_plain(config, base_id), FILE)
    decode_config(data, base_id, config.base_hash)
    return data


def decode_config(data: bytes, base_id: str, base_hash: str) -> AdapterConfig:
    """Read `adapter_config.json`; base id and hash are the manifest's.

    Raises:
        PackageRejected: a value is missing, unknown or wrong, or the bytes are not canonical.
    """
    raw = parse_object(data, FILE)
    config = AdapterConfig(
        peft_type=_one_of(raw, "peft_type", "LORA"),
        r=_number(raw.get("r"), "r"),
        lora_alpha=_number(raw.get("lora_alpha"), "lora_alpha"),
        use_rslora=_flag(raw, "use_rslora"),
        use_dora=_flag(raw, "use_dora"),
        target_modules=_modules(raw),
        rank_pattern=_pattern(raw, "rank_pattern"),
        alpha_pattern=_pattern(raw, "alpha_pattern"),
        base_hash=base_hash,
    )
    require_canonical(data, _plain(config, base_id), FILE)
    return config


def _plain(config: AdapterConfig, base_id: str) -> dict[str, Any]:
    return _FIXED | {
        "alpha_pattern": dict(config.alpha_pattern),
        "base_model_name_or_path": base_id,
        "lora_alpha": config.lora_alpha,
        "peft_type": config.peft_type,
        "r": config.r,
        "rank_pattern": dict(config.rank_pattern),
        "target_modules": sorted(config.target_modules),
        "use_dora": config.use_dora,
        "use_rslora": config.use_rslora,
    }


def _one_of(raw: dict[str, Any], key: str, *allowed: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise PackageRejected("config", FILE, f"{key} is none of {', '.join(allowed)}")
    return value


def _number(value: Any, key: str) -> int:
    if type(value) is not int or not 1 <= value <= _MAX_NUMBER:
        raise PackageRejected("config", FILE, f"{key} is no integer between 1 and {_MAX_NUMBER}")
    return value


def _flag(raw: dict[str, Any], key: str) -> bool:
    value = raw.get(key)
    if not isinstance(value, bool):
        raise PackageRejected("config", FILE, f"{key} is neither true nor false")
    return value


def _modules(raw: dict[str, Any]) -> tuple[str, ...]:
    value = raw.get("target_modules")
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise PackageRejected("config", FILE, "target_modules is no list of names")
    if any(MODULE_PATH.fullmatch(name) is None for name in value) or len(set(value)) != len(value):
        raise PackageRejected("config", FILE, "target_modules has a name that is no module path, or one twice")
    return tuple(value)


def _pattern(raw: dict[str, Any], key: str) -> dict[str, int]:
    value = raw.get(key)
    if not isinstance(value, dict):
        raise PackageRejected("config", FILE, f"{key} is no object")
    for name in value:
        if MODULE_PATH.fullmatch(name) is None:
            raise PackageRejected("config", FILE, f"{key} names {name[:80]!r}, which is no module path")
    return {name: _number(number, key) for name, number in value.items()}
