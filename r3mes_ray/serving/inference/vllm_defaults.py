"""What the `vllm` engine takes of a device where the settings leave it open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import ServingSettings, VllmEngine

DType = Literal["float32", "bfloat16"]
BYTES: Mapping[str, int] = {"float32": 4, "bfloat16": 2}
MIN_CACHE = 512 * 2**20
"""For keys and values on a CPU, where the requests that may run need no more."""
_MEMORY_SHARE = 0.25
_GPU_SHARE = 0.9
"""Of a GPU's memory, for weights, adapters, activations, keys and values together."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where the engine runs.

    Attributes:
        gpu: whether it is one.
        bfloat16: whether it computes in it fast.
        memory_bytes: the machine's main memory.
    """

    gpu: bool
    bfloat16: bool
    memory_bytes: int


def this_device() -> Device:
    """The device that vLLM has found."""
    from vllm.platforms import current_platform

    gpu = not current_platform.is_cpu()
    bfloat16 = gpu and bool(current_platform.has_device_capability(80))
    return Device(gpu, bfloat16, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def dtype_of(engine: VllmEngine, device: Device) -> DType:
    """The one of the settings; else bfloat16 where a GPU has it, and float32, which keeps all promises, elsewhere."""
    if engine.dtype != "auto":
        return engine.dtype
    return "bfloat16" if device.bfloat16 else "float32"


def slot_bytes(shapes: Iterable[tuple[int, int]], rank: int, dtype: DType) -> int:
    """Bytes that a slot takes on a GPU, whatever is in it: factors of the highest rank, and gains, of every layer."""
    return sum(rank * (height + width) + height for height, width in shapes) * BYTES[dtype]


def slots_within(engine: VllmEngine, budget_bytes: int, each: int) -> int:
    """Slots that the budget has room for, as many as the settings want at most.

    Raises:
        ConfigError: it has no room for one.
    """
    if each > budget_bytes:
        needed = -(-each // 2**20)
        detail = f"a slot of rank {engine.max_rank} takes {needed} MB; allow as many, or lower serving.engine.max_rank"
        raise ConfigError("serving.vram_capacity_mb", detail)
    return min(engine.max_adapters, budget_bytes // each)


def cache_options(engine: VllmEngine, serving: ServingSettings, device: Device, needed: int) -> dict[str, Any]:
    """How much vLLM reserves for keys and values; `needed` bytes hold all requests that may run, at full length.

    On a GPU vLLM takes what is left of the replica's share; on a CPU what is needed, a quarter of the memory at most.
    """
    if engine.kv_cache_mb is not None:
        return {"kv_cache_memory_bytes": engine.kv_cache_mb * 2**20}
    if device.gpu:
        return {"gpu_memory_utilization": _GPU_SHARE * min(1.0, serving.gpus_per_replica or 1.0)}
    return {"kv_cache_memory_bytes": min(max(MIN_CACHE, needed), int(_MEMORY_SHARE * device.memory_bytes))}


def ranks_of(engine: VllmEngine, serving: ServingSettings) -> int:
    """Processes that the model is sharded over: one for each GPU of the replica, unless the settings say."""
    return engine.tensor_parallel or max(1, int(serving.gpus_per_replica))


def cache_bytes(config: Mapping[str, Any], dtype: DType) -> int:
    """Bytes of one token's keys and values, by a model's config.json; 0 where that does not say."""
    if not {"num_attention_heads", "hidden_size", "num_hidden_layers"} <= config.keys():
        return 0
    heads = int(config["num_attention_heads"])
    size = int(config.get("head_dim") or config["hidden_size"] // heads)
    kept = int(config.get("num_key_value_heads") or heads)
    return 2 * int(config["num_hidden_layers"]) * kept * size * BYTES[dtype]
