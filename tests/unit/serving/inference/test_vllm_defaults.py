import pytest

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving.inference.vllm_defaults import (
    Device,
    cache_bytes,
    cache_options,
    dtype_of,
    ranks_of,
    slot_bytes,
    slots_within,
)
from r3mes_ray.settings import ServingSettings, VllmEngine

MB = 2**20
CPU = Device(gpu=False, bfloat16=False, memory_bytes=4096 * MB)
OLD_GPU = Device(gpu=True, bfloat16=False, memory_bytes=4096 * MB)
GPU = Device(gpu=True, bfloat16=True, memory_bytes=4096 * MB)


def engine(**changes):
    return VllmEngine(kind="vllm", **changes)


@pytest.mark.parametrize(("device", "expected"), [(CPU, "float32"), (OLD_GPU, "float32"), (GPU, "bfloat16")])
def test_dtype_follows_the_device_unless_it_is_set(device, expected):
    assert dtype_of(engine(), device) == expected
    assert dtype_of(engine(dtype="bfloat16"), device) == "bfloat16"


def test_slot_counts_factors_at_the_highest_rank_and_gains_of_every_layer():
    # Two layers, (out, in) = (6, 4) and (2, 6), rank 8: factors 80 + 64, gains 6 + 2, two bytes each.
    assert slot_bytes([(6, 4), (2, 6)], 8, "bfloat16") == 304


def test_slots_are_as_many_as_the_budget_has_room_for():
    assert slots_within(engine(max_adapters=16), 100, 30) == 3
    assert slots_within(engine(max_adapters=2), 100, 30) == 2
    with pytest.raises(ConfigError, match=r"vram_capacity_mb.*rank 32 takes 3 MB"):
        slots_within(engine(), 2 * MB, 2 * MB + 1)


@pytest.mark.parametrize(
    ("device", "needed", "expected"),
    [
        (CPU, 1, {"kv_cache_memory_bytes": 512 * MB}),
        (CPU, 700 * MB, {"kv_cache_memory_bytes": 700 * MB}),
        (CPU, 9000 * MB, {"kv_cache_memory_bytes": 1024 * MB}),
        (GPU, 700 * MB, {"gpu_memory_utilization": 0.45}),
    ],
)
def test_cache_is_what_the_requests_need_within_the_device(device, needed, expected):
    serving = ServingSettings(gpus_per_replica=0.5)
    assert cache_options(engine(), serving, device, needed) == expected
    assert cache_options(engine(kv_cache_mb=64), serving, device, needed) == {"kv_cache_memory_bytes": 64 * MB}


@pytest.mark.parametrize(("gpus", "ranks"), [(0, 1), (0.5, 1), (2, 2)])
def test_model_is_sharded_over_the_gpus_of_its_replica(gpus, ranks):
    assert ranks_of(engine(), ServingSettings(gpus_per_replica=gpus)) == ranks
    assert ranks_of(engine(tensor_parallel=4), ServingSettings(gpus_per_replica=gpus)) == 4


def test_token_takes_keys_and_values_of_every_layer():
    config = {"num_hidden_layers": 3, "hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 2}
    assert cache_bytes(config, "float32") == 2 * 3 * 2 * 8 * 4
    assert cache_bytes({"n_layer": 3}, "float32") == 0
    assert cache_bytes(config | {"head_dim": 16}, "bfloat16") == 2 * 3 * 2 * 16 * 2
