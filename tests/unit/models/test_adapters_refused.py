"""Packages from outside that the reader refuses, by the rule that each breaks."""

from __future__ import annotations

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import (
    read_package,
    write_package,
)
from r3mes_ray.models.adapters.tensors import encode_tensors

MIB = 1 << 20


@pytest.fixture
def folder(adapter, tmp_path):
    write_package(adapter(1, dora=True), tmp_path / "package")
    return tmp_path / "package"


def edit_json(folder, file, **changes):
    value = json.loads((folder / file).read_text()) | changes
    (folder / file).write_text(json.dumps(value, sort_keys=True, separators=(",", ":")))


def reject(folder, rule, max_bytes=MIB):
    with pytest.raises(PackageRejected) as caught:
        read_package(folder, max_bytes=max_bytes)
    assert caught.value.rule == rule, caught.value


def test_read_package_a_further_file_is_refused(folder):
    (folder / "adapter_model.bin").write_bytes(b"pickle")
    reject(folder, "files")


def test_read_package_a_missing_file_is_refused(folder):
    (folder / "r3mes.json").unlink()
    reject(folder, "files")


def test_read_package_a_link_is_refused(folder, tmp_path):
    os.replace(folder / "r3mes.json", tmp_path / "elsewhere")
    (folder / "r3mes.json").symlink_to(tmp_path / "elsewhere")
    reject(folder, "files")


def test_read_package_too_large_is_refused(folder):
    reject(folder, "size", max_bytes=1000)


@pytest.mark.parametrize(
    ("file", "changes", "rule"),
    [
        ("adapter_config.json", {"r": 5}, "shape"),
        ("adapter_config.json", {"r": 0}, "config"),
        ("adapter_config.json", {"r": 4.0}, "config"),
        ("adapter_config.json", {"r": True}, "config"),
        ("adapter_config.json", {"lora_alpha": 16}, "gradient-hash"),
        ("adapter_config.json", {"use_dora": False}, "tensors"),
        ("adapter_config.json", {"target_modules": ["q_proj"]}, "tensors"),
        ("adapter_config.json", {"target_modules": ".*"}, "config"),
        ("adapter_config.json", {"rank_pattern": {".*": 4}}, "config"),
        ("adapter_config.json", {"bias": "all"}, "canonical"),
        ("adapter_config.json", {"auto_mapping": {"base_model_class": "X"}}, "canonical"),
        ("adapter_config.json", {"base_model_name_or_path": "http://elsewhere"}, "canonical"),
        ("r3mes.json", {"base_hash": "1" * 64}, "gradient-hash"),
        ("r3mes.json", {"base_hash": "1" * 63}, "manifest"),
        ("r3mes.json", {"gradient_hash": "1" * 64}, "gradient-hash"),
        ("r3mes.json", {"method": "lora"}, "manifest"),
        ("r3mes.json", {"norm": "latent"}, "manifest"),
        ("r3mes.json", {"version": "1"}, "manifest"),
        ("r3mes.json", {"version": -1}, "manifest"),
        ("r3mes.json", {"note": "x"}, "manifest"),
        ("r3mes.json", {"origin": {"kind": "gift"}}, "manifest"),
    ],
)
def test_read_package_wrong_value_is_refused(folder, file, changes, rule):
    edit_json(folder, file, **changes)
    reject(folder, rule)


@pytest.mark.parametrize(
    ("file", "data", "rule"),
    [
        ("r3mes.json", b"[]", "json"),
        ("r3mes.json", b'{"version":1,"version":1}', "json"),
        ("r3mes.json", b'{"version":NaN}', "json"),
        ("r3mes.json", b"\xff", "json"),
        ("r3mes.json", b"[" * 100_000, "json"),
        ("adapter_config.json", b"{}", "config"),
        ("adapter_model.safetensors", b"", "safetensors"),
        ("adapter_model.safetensors", b"\xff" * 64, "safetensors"),
        ("adapter_model.safetensors", (MIB + 8).to_bytes(8, "little") + b" " * 64, "safetensors"),
    ],
)
def test_read_package_junk_is_refused(folder, file, data, rule):
    (folder / file).write_bytes(data)
    reject(folder, rule)


def test_read_package_white_space_is_refused(folder):
    (folder / "r3mes.json").write_text((folder / "r3mes.json").read_text() + "\n")
    reject(folder, "canonical")


def test_read_package_cut_tensors_are_refused(folder):
    data = (folder / "adapter_model.safetensors").read_bytes()
    (folder / "adapter_model.safetensors").write_bytes(data[:-4])
    reject(folder, "safetensors")
    (folder / "adapter_model.safetensors").write_bytes(data + b"\0\0\0\0")
    reject(folder, "safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_read_package_a_value_that_is_not_finite_is_refused(folder, value):
    tensors = load_file(folder / "adapter_model.safetensors")
    next(iter(tensors.values()))[0] = value
    (folder / "adapter_model.safetensors").write_bytes(encode_tensors(tensors))
    reject(folder, "finite")


def test_read_package_a_library_s_layout_is_refused(folder):
    path = folder / "adapter_model.safetensors"
    save_file(load_file(path), path, {"format": "pt", "note": "x"})
    reject(folder, "canonical")


def test_read_package_another_dtype_is_refused(folder):
    path = folder / "adapter_model.safetensors"
    save_file({name: tensor.double() for name, tensor in load_file(path).items()}, path, {"format": "pt"})
    reject(folder, "dtype")


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.mlp.up_proj.lora_A.weight",
        "base_model.model.model.embed_tokens.lora_embedding_A",
        "base_model.model.a b.lora_A.weight",
    ],
)
def test_read_package_a_strange_tensor_name_is_refused(folder, name):
    path = folder / "adapter_model.safetensors"
    path.write_bytes(encode_tensors(load_file(path) | {name: torch.ones(4, 4)}))
    reject(folder, "tensors")
