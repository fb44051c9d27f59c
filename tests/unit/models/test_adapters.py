"""Oracles: PEFT for what the files mean, golden vectors for the gradient hash, safetensors for the container."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import (
    AdapterPackage,
    AggregateOrigin,
    Exclusion,
    check_against_base,
    gradient_hash_of,
    make_package,
    read_package,
    write_package,
)
from r3mes_ray.models.adapters.history import PastRound, SketchedUpdate
from r3mes_ray.models.adapters.manifest import decode_manifest, encode_manifest
from r3mes_ray.models.adapters.package import MAX_MANIFEST_BYTES
from r3mes_ray.models.adapters.tensors import decode_tensors, encode_tensors
from r3mes_ray.protocol.gradient_hash import AdapterConfig

MIB = 1 << 20
TOKENS = torch.arange(3, 43).view(5, 8)
GOLDEN = Path(__file__).parents[2] / "golden" / "protocol_v2.json"
SKETCH = base64.b64encode(np.arange(64, dtype="<f4").tobytes()).decode()
AGGREGATE = AggregateOrigin(
    7,
    "mean",
    {"clip": 1.5, "trim": 2},
    (0, 3),
    (0.25, 0.75),
    (Exclusion(1, "finite", "NaN"),),
    0,
    0.125,
    (PastRound(1, (SketchedUpdate(9, SKETCH),)), PastRound(2, (SketchedUpdate(0, SKETCH), SketchedUpdate(3, SKETCH)))),
)


def past(version, *ids, sketch=SKETCH):
    return {"version": version, "updates": [{"id": number, "sketch": sketch} for number in ids]}


def sketch_of(*numbers):
    return base64.b64encode(np.resize(np.array(numbers, "<f4"), 64).tobytes()).decode()


@pytest.fixture
def folder(adapter, tmp_path):
    write_package(adapter(1, dora=True), tmp_path / "package")
    return tmp_path / "package"


def test_package_written_and_read_is_the_same(adapter, tmp_path):
    package = adapter(1, dora=True)
    write_package(package, tmp_path / "p")
    again = read_package(tmp_path / "p", max_bytes=MIB)
    assert (again.config, again.manifest) == (
        dataclasses.replace(package.config, target_modules=tuple(sorted(package.config.target_modules))),
        package.manifest,
    )
    assert list(again.tensors) == sorted(package.tensors)
    assert all(torch.equal(tensor, package.tensors[name]) for name, tensor in again.tensors.items())


def test_package_of_an_aggregate_keeps_its_manifest(adapter, tmp_path):
    package = adapter(1, dora=True)
    manifest = dataclasses.replace(package.manifest, origin=AGGREGATE, version=2)
    write_package(AdapterPackage(package.config, manifest, package.tensors), tmp_path / "p")
    assert read_package(tmp_path / "p", max_bytes=MIB).manifest == manifest


def test_manifest_of_a_round_with_thousands_of_bad_updates_is_written_and_read(adapter):
    """Whoever hands in many updates with long faults must not keep the honest aggregate from being published."""
    rounds = [(version, range(128 * version, 128 * version + 128)) for version in range(1, 9)]
    history = tuple(PastRound(version, tuple(SketchedUpdate(id_, SKETCH) for id_ in ids)) for version, ids in rounds)
    excluded = tuple(Exclusion(id_, "gradient-hash", "x" * 200) for id_ in range(2000, 32000))
    accepted = tuple(rounds[-1][1])
    origin = AggregateOrigin(7, "mean", {}, accepted, (1 / 3,) * 128, excluded, 7, 0.125, history)
    manifest = dataclasses.replace(adapter(1).manifest, origin=origin, version=8)
    data = encode_manifest(manifest)
    assert MIB < len(data) < MAX_MANIFEST_BYTES
    assert decode_manifest(data) == manifest


def test_package_bytes_do_not_depend_on_the_order_of_construction(base, adapter, tmp_path):
    package = adapter(1, dora=True)
    turned = make_package(
        dataclasses.replace(package.config, target_modules=tuple(reversed(package.config.target_modules))),
        dict(reversed(list(package.tensors.items()))),
        base_id=base.base_id,
        expert="e",
        version=1,
        origin=package.manifest.origin,
    )
    write_package(package, tmp_path / "a")
    write_package(turned, tmp_path / "b")
    for file in ("adapter_config.json", "adapter_model.safetensors", "r3mes.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize(("dora", "rslora"), [(False, False), (True, False), (False, True)])
def test_package_loads_in_peft_and_means_what_modules_say(base, adapter, tmp_path, dora, rslora):
    package = adapter(1, dora=dora, rslora=rslora)
    write_package(package, tmp_path / "p")
    peft = PeftModel.from_pretrained(copy.deepcopy(base.model), tmp_path / "p")
    for name, module in package.modules().items():
        layer = peft.get_submodule(f"base_model.model.{name}")
        assert layer.scaling["default"] == pytest.approx(module.scale)
        assert torch.equal(layer.lora_A["default"].weight, module.a)
        assert torch.equal(layer.lora_B["default"].weight, module.b)
        if module.magnitude is not None:
            assert torch.equal(layer.lora_magnitude_vector["default"].weight, module.magnitude)


def test_package_tensor_names_are_those_that_peft_saves(base, adapter, tmp_path):
    config = LoraConfig(r=4, lora_alpha=8, use_dora=True, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM")
    get_peft_model(copy.deepcopy(base.model), config).save_pretrained(tmp_path / "theirs")
    theirs = load_file(tmp_path / "theirs" / "adapter_model.safetensors")
    ours = adapter(1, dora=True).tensors
    assert set(theirs) == {name for name in ours if "q_proj" in name or "up_proj" in name}


def test_package_with_ranks_by_layer_loads_in_peft(base, adapter, tmp_path):
    package = adapter(1)
    name = "model.layers.1.mlp.up_proj"
    tensors = dict(package.tensors)
    tensors[f"base_model.model.{name}.lora_A.weight"] = torch.ones(2, 32)
    tensors[f"base_model.model.{name}.lora_B.weight"] = torch.ones(48, 2)
    config = dataclasses.replace(package.config, rank_pattern={name: 2}, alpha_pattern={name: 3})
    write_package(
        make_package(config, tensors, base_id="test/base", expert="e", version=2, origin=AGGREGATE), tmp_path / "p"
    )
    again = read_package(tmp_path / "p", max_bytes=MIB)
    layer = PeftModel.from_pretrained(base.model, tmp_path / "p").get_submodule(f"base_model.model.{name}")
    assert (again.modules()[name].rank, again.modules()[name].scale) == (2, 1.5)
    assert (layer.r["default"], layer.scaling["default"]) == (2, 1.5)


def test_gradient_hash_of_golden_package():
    golden = json.loads(GOLDEN.read_text())["gradient_hashes"][0]
    shapes = {name: (item["shape"], item["data_hex"]) for name, item in golden["tensors"].items()}
    tensors = {
        name: torch.frombuffer(bytearray.fromhex(data), dtype=torch.float32).reshape(shape)
        for name, (shape, data) in shapes.items()
    }
    raw = golden["config"]
    config = AdapterConfig(**raw | {"target_modules": tuple(raw["target_modules"])})
    package = make_package(config, tensors, base_id="b", expert="e", version=2, origin=AGGREGATE)
    assert gradient_hash_of(package) == package.manifest.gradient_hash == golden["gradient_hash"]


def test_check_against_base_accepts_what_fits(base, adapter):
    check_against_base(adapter(1, 8, dora=True), base.linear_shapes, base.base_hash, 8)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("base", {"base_hash": "0" * 64}),
        ("rank", {"max_rank": 7}),
        ("target", {"base_shapes": {}}),
        (
            "shape",
            {
                "base_shapes": {
                    f"model.layers.{i}.{part}": (5, 5)
                    for i in (0, 1)
                    for part in (
                        "mlp.down_proj",
                        "mlp.gate_proj",
                        "mlp.up_proj",
                        "self_attn.q_proj",
                        "self_attn.k_proj",
                        "self_attn.v_proj",
                        "self_attn.o_proj",
                    )
                }
            },
        ),
    ],
)
def test_check_against_base_names_the_rule(base, adapter, rule, change):
    fitting = {"base_shapes": base.linear_shapes, "base_hash": base.base_hash, "max_rank": 8}
    with pytest.raises(PackageRejected) as caught:
        check_against_base(adapter(1, 8, dora=True), **fitting | change)
    assert caught.value.rule == rule


def test_check_against_base_magnitude_must_be_positive(base, adapter):
    package = adapter(1, dora=True)
    name = next(name for name in package.tensors if name.endswith("magnitude_vector"))
    package.tensors[name][3] = -0.5
    with pytest.raises(PackageRejected, match="rule magnitude"):
        check_against_base(package, base.linear_shapes, base.base_hash, 8)


def test_write_package_into_a_filled_folder_is_refused(adapter, folder):
    with pytest.raises(FileExistsError):
        write_package(adapter(2), folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"accepted": [3, 0]},
        {"accepted": [0, 1]},
        {"weights": [1.0]},
        {"accepted": [0, 0]},
        {"round": -1},
        {"excluded": [{"id": 1}]},
        {"history": []},
        {"history": [past(2, 0)]},
        {"history": [past(1, 0, 3)]},
        {"history": [past(2, 0, 3), past(2, 0, 3)]},
        {"history": [past(0, 9), past(2, 0, 3)]},
        {"history": [past(3, 9), past(2, 0, 3)]},
        {"history": [past(0, 9), past(1, 9), past(2, 0, 3)]},
        {"history": [past(1, 9, 9), past(2, 0, 3)]},
        {"history": [past(1, 9, 8), past(2, 0, 3)]},
        {"history": [past(1, *range(1023)), past(2, 0, 3)]},
        {"history": [past(2, 0, 3, sketch=sketch_of(0, math.nan))]},
        {"history": [past(2, 0, 3, sketch=sketch_of(math.inf))]},
        {"history": [past(2, 0, 3, sketch=SKETCH[:-4])]},
        {"history": [past(2, 0, 3, sketch=SKETCH + "AAAA")]},
        {"history": [past(2, 0, 3, sketch="!" * 344)]},
        {"history": [past(2, 0, 3, sketch="A" * 344)]},
        {"history": [past(2, 0, 3, sketch=SKETCH[:-3] + chr(ord(SKETCH[-3]) + 1) + "==")]},
        {"history": [{**past(2, 0, 3), "more": 1}]},
        {"history": None},
    ],
)
def test_decode_manifest_of_an_origin_that_contradicts_itself_is_refused(adapter, changes):
    manifest = dataclasses.replace(adapter(1).manifest, origin=AGGREGATE, version=2)
    assert decode_manifest(encode_manifest(manifest)) == manifest
    value = dataclasses.asdict(manifest)
    value["origin"] = value["origin"] | changes
    with pytest.raises(PackageRejected, match="rule manifest"):
        decode_manifest(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_.]{0,20}", fullmatch=True),
        st.tuples(
            st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
            st.lists(st.integers(1, 5), min_size=1, max_size=2),
        ),
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_encode_tensors_survives_and_is_safetensors(tmp_path_factory, described):
    tensors = {name: torch.randn(shape).to(dtype) for name, (dtype, shape) in described.items()}
    data = encode_tensors(tensors)
    path = tmp_path_factory.mktemp("s") / "x.safetensors"
    path.write_bytes(data)
    for read in (decode_tensors(data), load_file(path)):
        assert set(read) == set(tensors)
        assert all(
            torch.equal(tensor, tensors[name]) and tensor.dtype == tensors[name].dtype for name, tensor in read.items()
        )


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_decode_tensors_any_bytes_are_read_or_refused(data):
    for candidate in (data, (8 + len(data) % 64).to_bytes(8, "little") + data):
        try:
            decode_tensors(candidate)
        except PackageRejected:
            continue
