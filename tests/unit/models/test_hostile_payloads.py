"""Payloads that an attacker would send: each is refused, by the rule that it breaks. All of them are made here."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tracemalloc

import pytest
import torch
import zstandard

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import (
    UpdateOrigin,
    check_against_base,
    make_package,
    read_gradient_package,
    read_package,
    write_package,
)
from r3mes_ray.models.adapters.tensors import encode_tensors
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.wire.gradient_pb2 import GradientPackage, GradientTensor

MAX_BYTES = 1 << 20
LAYER = "model.layers.0.self_attn.q_proj"
PREFIX = f"base_model.model.{LAYER}"
A, B, M = f"{PREFIX}.lora_A.weight", f"{PREFIX}.lora_B.weight", f"{PREFIX}.lora_magnitude_vector"
TENSORS = {A: torch.full((2, 6), 0.5), B: torch.full((4, 2), 0.25), M: torch.ones(4)}
SHAPES, BASE_HASH = {LAYER: (4, 6)}, "ab" * 32
SAFETENSORS, CONFIG, MANIFEST = "adapter_model.safetensors", "adapter_config.json", "r3mes.json"


def config(**changes) -> AdapterConfig:
    values = {
        "peft_type": "LORA",
        "r": 2,
        "lora_alpha": 4,
        "use_rslora": False,
        "use_dora": True,
        "target_modules": ("q_proj",),
        "rank_pattern": {},
        "alpha_pattern": {},
        "base_hash": BASE_HASH,
    }
    return AdapterConfig(**(values | changes))


def folder_of(path, tensors=TENSORS, **changes):
    package = make_package(
        config(**changes), tensors, base_id="tiny", expert="python", version=1, origin=UpdateOrigin("remes1x", 0)
    )
    write_package(package, path)
    return path


def raw_safetensors(entries: dict, data: bytes = bytes(136)) -> bytes:
    """Any header over any data, laid out as the canonical writer would."""
    text = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def header(**changes):
    good = {A: entry([2, 6], 0, 48), B: entry([4, 2], 48, 80), M: entry([4], 80, 96)}
    return {"__metadata__": {"format": "pt"}} | good | changes


def text(data: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(data)) + data + body


def with_value(value: float) -> bytes:
    return encode_tensors(TENSORS | {A: torch.tensor([[value] + [1.0] * 5, [1.0] * 6])})


def torch_file() -> bytes:
    buffer = io.BytesIO()
    torch.save(TENSORS, buffer)
    return buffer.getvalue()


GOOD = raw_safetensors(header(), bytes(96))
SAFETENSORS_FILES = {
    "empty": (b"", "safetensors"),
    "seven bytes": (b"\x08" * 7, "safetensors"),
    "length 0": (struct.pack("<Q", 0), "json"),
    "length over the file": (struct.pack("<Q", 10**6) + b"{}", "safetensors"),
    "length of all bits": (b"\xff" * 8 + b"{}", "safetensors"),
    "header over 1 MiB": (text(b"{" + b" " * (1 << 20) + b"}"), "size"),
    "header of 100 MB claimed": (struct.pack("<Q", 10**8) + b"{}", "safetensors"),
    "no object": (text(b"[]"), "json"),
    "leading space": (text(b" " + GOOD[8:-96], bytes(96)), "canonical"),
    "trailing newline": (text(GOOD[8:-96] + b"\n", bytes(96)), "json|canonical"),
    "not UTF-8": (text(b'{"\xff":1}'), "json"),
    "no JSON": (text(b'{"a":'), "json"),
    "deep nesting": (text(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "json"),
    "NaN as a number": (text(b'{"a":NaN}'), "json"),
    "number of 5000 digits": (text(b'{"a":' + b"9" * 5000 + b"}"), "json"),
    "key twice": (text(b'{"a":1,"a":2}'), "json"),
    "tensor twice": (text(GOOD[8:-97].rstrip(b" }") + b',"%s":{}}' % A.encode(), bytes(96)), "json"),
    "entry is a list": (raw_safetensors(header(**{A: [1]}), bytes(96)), "dtype"),
    "dtype is a list": (raw_safetensors(header(**{A: entry([2, 6], 0, 48, ["F32"])}), bytes(96)), "dtype"),
    "dtype int8": (raw_safetensors(header(**{A: entry([2, 24], 0, 48, "I8")}), bytes(96)), "dtype"),
    "dtype fp8": (raw_safetensors(header(**{A: entry([2, 24], 0, 48, "F8_E4M3")}), bytes(96)), "dtype"),
    "dtype f64": (raw_safetensors(header(**{A: entry([2, 3], 0, 48, "F64")}), bytes(96)), "dtype"),
    "dtype unknown": (raw_safetensors(header(**{A: entry([2, 6], 0, 48, "Q4")}), bytes(96)), "dtype"),
    "shape missing": (raw_safetensors(header(**{A: {"dtype": "F32", "data_offsets": [0, 48]}}), bytes(96)), "shape"),
    "shape of three sides": (raw_safetensors(header(**{A: entry([2, 3, 2], 0, 48)}), bytes(96)), "shape"),
    "no sides": (raw_safetensors(header(**{A: entry([], 0, 48)}), bytes(96)), "shape"),
    "side of zero": (raw_safetensors(header(**{A: entry([0, 6], 0, 0)}), bytes(96)), "shape"),
    "negative side": (raw_safetensors(header(**{A: entry([-2, -6], 0, 48)}), bytes(96)), "shape"),
    "side is true": (raw_safetensors(header(**{A: entry([True, 12], 0, 48)}), bytes(96)), "shape"),
    "side is a float": (raw_safetensors(header(**{A: entry([2.0, 6], 0, 48)}), bytes(96)), "shape"),
    "sides overflow": (raw_safetensors(header(**{A: entry([2**31, 2**31], 0, 48)}), bytes(96)), "shape"),
    "product overflows": (raw_safetensors(header(**{A: entry([2**30, 2**30], 0, 48)}), bytes(96)), "canonical|json"),
    "negative offsets": (raw_safetensors(header(**{A: entry([2, 6], -48, 0)}), bytes(96)), "canonical"),
    "reversed offsets": (raw_safetensors(header(**{A: entry([2, 6], 48, 0)}), bytes(96)), "canonical"),
    "overlap": (raw_safetensors(header(**{B: entry([4, 2], 40, 72)}), bytes(96)), "canonical"),
    "gap": (raw_safetensors(header(**{M: entry([4], 88, 104)}), bytes(104)), "canonical"),
    "span is not the shape's": (raw_safetensors(header(**{A: entry([2, 6], 0, 40)}), bytes(96)), "canonical"),
    "offsets missing": (raw_safetensors(header(**{A: {"dtype": "F32", "shape": [2, 6]}}), bytes(96)), "canonical"),
    "extra key in an entry": (raw_safetensors(header(**{A: entry([2, 6], 0, 48) | {"x": 1}}), bytes(96)), "canonical"),
    "metadata bomb": (raw_safetensors(header(__metadata__={"x" * 9: "y" * 10**5}), bytes(96)), "canonical"),
    "metadata of numbers": (raw_safetensors(header(__metadata__={"format": 1}), bytes(96)), "canonical"),
    "data cut off": (GOOD[:-1], "safetensors"),
    "data too long": (GOOD + b"\0", "safetensors"),
    "20 000 tensors": (raw_safetensors({f"t{n}": entry([1], 0, 4) for n in range(12_000)}), "canonical|safetensors"),
    "NaN": (with_value(float("nan")), "finite"),
    "infinity": (with_value(float("inf")), "finite"),
    "minus infinity": (with_value(float("-inf")), "finite"),
    "pickle": (pickle.dumps({"a": 1}), "pickle"),
    "pickle protocol 5": (pickle.dumps([1] * 100, protocol=5), "pickle"),
    "torch zip": (torch_file(), "pickle"),
    "gzip of a good file": (gzip.compress(GOOD), "safetensors"),
    "html page": (b"<!DOCTYPE html><html>" + b" " * 500, "safetensors"),
    "extra tensor": (encode_tensors(TENSORS | {"x": torch.ones(1)}), "tensors"),
    "missing tensor": (encode_tensors({A: TENSORS[A], M: TENSORS[M]}), "tensors"),
    "no tensor": (encode_tensors({}), "tensors"),
    "other module": (encode_tensors({k.replace("q_proj", "zz"): v for k, v in TENSORS.items()}), "tensors"),
    "rank of A and B differ": (encode_tensors(TENSORS | {A: torch.ones(3, 6)}), "rank|tensors|shape"),
    "transposed B": (encode_tensors(TENSORS | {B: torch.ones(2, 4)}), "rank|tensors|shape"),
    "magnitude of another length": (encode_tensors(TENSORS | {M: torch.ones(5)}), "tensors|shape"),
    "other values than the hash": (encode_tensors(TENSORS | {A: torch.ones(2, 6)}), "gradient-hash"),
    "minus zero": (with_value(-0.0), "gradient-hash"),
    "subnormal": (with_value(1e-42), "gradient-hash"),
    "cast to bf16": (encode_tensors({k: v.bfloat16() for k, v in TENSORS.items()}), "gradient-hash"),
}


@pytest.mark.parametrize("name", SAFETENSORS_FILES)
def test_package_with_hostile_tensors_is_refused_by_its_rule_in_little_memory(tmp_path, name):
    data, rules = SAFETENSORS_FILES[name]
    folder = folder_of(tmp_path / "p")
    (folder / SAFETENSORS).write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(PackageRejected) as caught:
            read_package(folder, max_bytes=MAX_BYTES)
        assert tracemalloc.get_traced_memory()[1] < 40 * len(data) + 4 * 2**20
    finally:
        tracemalloc.stop()
    assert caught.value.rule in rules.split("|"), str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"r": -1}, "config"),
        ({"r": 0}, "config"),
        ({"r": 10**9}, "config"),
        ({"r": True}, "config"),
        ({"lora_alpha": None}, "config"),
        ({"lora_alpha": -4}, "config"),
        ({"lora_alpha": 1e300}, "config"),
        ({"peft_type": "IA3"}, "config"),
        ({"target_modules": "all-linear"}, "config"),
        ({"target_modules": [".*"]}, "config"),
        ({"rank_pattern": {"(a+)+$": 2}}, "config"),
        ({"modules_to_save": ["lm_head"]}, "canonical"),
        ({"auto_mapping": {"base_model_class": "os"}}, "canonical"),
    ],
)
def test_package_with_a_hostile_configuration_is_refused_by_its_rule(tmp_path, change, rule):
    folder = folder_of(tmp_path / "p")
    value = json.loads((folder / CONFIG).read_text()) | change
    (folder / CONFIG).write_text(json.dumps(value, sort_keys=True, separators=(",", ":")))
    with pytest.raises(PackageRejected) as caught:
        read_package(folder, max_bytes=MAX_BYTES)
    assert caught.value.rule == rule, str(caught.value)


@pytest.mark.parametrize(
    ("tensors", "shapes", "max_rank", "rule"),
    [
        (TENSORS, {LAYER: (4, 7)}, 8, "shape"),
        (TENSORS, {LAYER: (6, 4)}, 8, "shape"),
        (TENSORS, {"model.other": (4, 6)}, 8, "target"),
        (TENSORS, SHAPES, 1, "rank"),
        (TENSORS | {M: torch.tensor([1.0, 1.0, 0.0, 1.0])}, SHAPES, 8, "magnitude"),
        (TENSORS | {M: torch.tensor([1.0, 1.0, -1e30, 1.0])}, SHAPES, 8, "magnitude"),
    ],
)
def test_package_that_does_not_fit_its_base_is_refused_by_its_rule(tmp_path, tensors, shapes, max_rank, rule):
    package = read_package(folder_of(tmp_path / "p", tensors), max_bytes=MAX_BYTES)
    with pytest.raises(PackageRejected) as caught:
        check_against_base(package, shapes, BASE_HASH, max_rank)
    assert caught.value.rule == rule


def message(**changes) -> bytes:
    values = {"data": [1.0, 2.0], "shape": [2], "dtype": "float32", "name": "w"} | changes
    return GradientPackage(gradients=[GradientTensor(**values)], training_round_id=7).SerializeToString()


MESSAGES = {
    "empty": (b"", "gradient-package"),
    "no message": (b"\xff" * 20, "gradient-package"),
    "field beyond the end": (b"\x0a\xff\xff\xff\x7f", "gradient-package"),
    "group": (b"\x0b\x0c", "gradient-package"),
    "name twice": (message() + message(), "gradient-package"),
    "no name": (message(name=""), "gradient-package"),
    "name of 1 MB": (message(name="x" * 10**6), "gradient-package"),
    "a million empty tensors": (b"\x0a\x00" * 500_000, "gradient-package"),
    "unpacked numbers": (b"\x0a\x80\x02" + b"\x10\x01" * 128, "gradient-package"),
    "shape of more values": (message(shape=[3]), "shape"),
    "shape overflow": (message(shape=[2**62, 4]), "shape"),
    "negative shape": (message(shape=[-1, -2]), "shape"),
    "no shape": (message(shape=[]), "shape"),
    "dtype object": (message(dtype="object"), "dtype"),
    "NaN": (message(data=[1.0, float("nan")]), "finite"),
    "float16 overflow": (message(data=[1.0, 1e6], dtype="float16"), "finite"),
    "pickle": (pickle.dumps([1]), "pickle"),
    "pickle in gzip": (gzip.compress(pickle.dumps([1])), "pickle"),
    "torch zip": (torch_file(), "pickle"),
    "gzip bomb": (gzip.compress(bytes(2**28)), "size|compression"),
    "zstd bomb": (zstandard.compress(bytes(2**28)), "size|compression"),
    "gzip of gzip": (gzip.compress(gzip.compress(message())), "gradient-package"),
    "gzip cut off": (gzip.compress(message())[:-9], "compression"),
    "gzip with a tail": (gzip.compress(message()) + b"x", "compression"),
    "gzip damaged": (gzip.compress(message())[:12] + b"\xff" * 20, "compression"),
    "zstd damaged": (zstandard.compress(message())[:6] + b"\xff" * 20, "compression"),
    "too large": (message(data=[1.0] * 300_000, shape=[300_000]), "size"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_gradient_package_that_is_hostile_is_refused_by_its_rule_in_little_memory(name):
    data, rules = MESSAGES[name]
    tracemalloc.start()
    try:
        with pytest.raises(PackageRejected) as caught:
            read_gradient_package(data, max_bytes=MAX_BYTES)
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
    finally:
        tracemalloc.stop()
    assert caught.value.rule in rules.split("|"), str(caught.value)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_gradient_package_that_is_good_is_read(wrap):
    package = read_gradient_package(wrap(message()), max_bytes=MAX_BYTES)
    assert (package.round_id, package.tensors["w"].tolist()) == (7, [1.0, 2.0])


def test_hostile_payloads_are_at_least_sixty():
    assert len(SAFETENSORS_FILES) + len(MESSAGES) >= 60
