from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.gradient_hash import AdapterConfig, TensorRecord, check_gradient_hash, gradient_hash


@pytest.fixture
def vector(protocol_vectors: dict[str, Any]) -> dict[str, Any]:
    return protocol_vectors["gradient_hashes"][0]


@pytest.fixture
def config(vector: dict[str, Any]) -> AdapterConfig:
    return AdapterConfig(**{**vector["config"], "target_modules": tuple(vector["config"]["target_modules"])})


@pytest.fixture
def tensors(vector: dict[str, Any]) -> list[TensorRecord]:
    return [
        TensorRecord(name, entry["dtype"], tuple(entry["shape"]), bytes.fromhex(entry["data_hex"]))
        for name, entry in vector["tensors"].items()
    ]


def test_gradient_hash_golden_matches_in_any_order(
    vector: dict[str, Any], config: AdapterConfig, tensors: list[TensorRecord]
) -> None:
    assert gradient_hash(config, tensors) == vector["gradient_hash"]
    assert gradient_hash(config, tensors[::-1]) == vector["gradient_hash"]


def test_gradient_hash_any_buffer_matches(
    vector: dict[str, Any], config: AdapterConfig, tensors: list[TensorRecord]
) -> None:
    arrays = [replace(tensor, data=np.frombuffer(tensor.data, dtype="<f4").reshape(tensor.shape)) for tensor in tensors]
    assert gradient_hash(config, arrays) == vector["gradient_hash"]


def test_gradient_hash_module_order_does_not_matter(config: AdapterConfig, tensors: list[TensorRecord]) -> None:
    turned = replace(config, target_modules=config.target_modules[::-1])
    assert gradient_hash(turned, tensors) == gradient_hash(config, tensors)


@pytest.mark.parametrize(
    "changed",
    [
        {"r": 4},
        {"lora_alpha": 7},
        {"use_dora": False},
        {"use_rslora": True},
        {"base_hash": "0" * 64},
        {"rank_pattern": {"q_proj": 2}},
        {"alpha_pattern": {"q_proj": 2}},
        {"target_modules": ("q_proj",)},
    ],
)
def test_gradient_hash_other_configuration_gives_another_hash(
    config: AdapterConfig, tensors: list[TensorRecord], changed: dict[str, Any]
) -> None:
    assert gradient_hash(replace(config, **changed), tensors) != gradient_hash(config, tensors)


def test_gradient_hash_transposed_shape_gives_another_hash(config: AdapterConfig, tensors: list[TensorRecord]) -> None:
    turned = [replace(tensors[0], shape=tensors[0].shape[::-1]), *tensors[1:]]
    assert gradient_hash(config, turned) != gradient_hash(config, tensors)


def test_gradient_hash_name_twice_is_refused(config: AdapterConfig, tensors: list[TensorRecord]) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        gradient_hash(config, [*tensors, tensors[0]])


@pytest.mark.parametrize("broken", [{"dtype": "F64"}, {"shape": (3, 8)}, {"shape": (-3, -7)}, {"data": b""}])
def test_gradient_hash_tensor_that_lies_is_refused(
    config: AdapterConfig, tensors: list[TensorRecord], broken: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput, match="lora_A"):
        gradient_hash(config, [replace(tensors[0], **broken)])


@pytest.mark.parametrize(
    "broken", [{"base_hash": "x"}, {"r": -1}, {"target_modules": ("a", "a")}, {"peft_type": "\ud800"}]
)
def test_gradient_hash_configuration_not_canonical_is_refused(config: AdapterConfig, broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        gradient_hash(replace(config, **broken), [])


def test_check_gradient_hash_upper_case_is_refused() -> None:
    assert check_gradient_hash("ab" * 32) == b"\xab" * 32
    with pytest.raises(InvalidInput):
        check_gradient_hash("AB" * 32)
