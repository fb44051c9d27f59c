"""The predecessor's payload as a package: the same ΔW, whatever its names; and what cannot be converted."""

from __future__ import annotations

import json

import pytest
import torch

from r3mes_ray.cli.main import execute
from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import read_gradient_package, read_package, write_package
from r3mes_ray.models.adapters.converted import package_of
from r3mes_ray.models.base import load_base
from r3mes_ray.wire.gradient_pb2 import GradientPackage, GradientTensor

PATH = "model.layers.0.self_attn.q_proj"
A, B = [[1.0, 2.0, 3.0]], [[0.5], [-1.0]]


def tensor(name, rows):
    values = torch.tensor(rows)
    return GradientTensor(name=name, dtype="float32", shape=list(values.shape), data=values.flatten().tolist())


def convert(tensors, metadata, alpha=None):
    message = GradientPackage(gradients=tensors, metadata=metadata, training_round_id=3, miner_address="remes1old")
    read = read_gradient_package(message.SerializeToString(), max_bytes=2**20)
    return package_of(read, base_id="tiny", base_hash="ab" * 32, expert="optics", version=1, alpha=alpha)


@pytest.mark.parametrize("prefix", ["", "base_model.model."])
@pytest.mark.parametrize("infix", ["", ".default"])
def test_converted_package_has_the_same_factors_and_scale(tmp_path, prefix, infix):
    tensors = [tensor(f"{prefix}{PATH}.lora_A{infix}.weight", A), tensor(f"{prefix}{PATH}.lora_B{infix}.weight", B)]
    write_package(convert(tensors, {"lora_alpha": "8"}), tmp_path / "p")
    package = read_package(tmp_path / "p", max_bytes=2**20)
    module = package.modules()[PATH]
    assert (module.a.tolist(), module.b.tolist(), module.scale, module.magnitude) == (A, B, 8.0, None)
    assert (package.manifest.origin.miner, package.manifest.origin.round) == ("remes1old", 3)


def test_converted_dora_of_two_ranks_keeps_both_and_its_magnitudes():
    other = "model.layers.1.self_attn.q_proj"
    tensors = [
        tensor(f"{PATH}.lora_A.weight", A),
        tensor(f"{PATH}.lora_B.weight", B),
        tensor(f"{PATH}.lora_magnitude_vector", [1.0, 2.0]),
        tensor(f"{other}.lora_A.weight", [[1.0], [2.0]]),
        tensor(f"{other}.lora_B.weight", [[1.0, 1.0]]),
        tensor(f"{other}.lora_magnitude_vector.default.weight", [3.0]),
    ]
    modules = convert(tensors, {}, alpha=4).modules()
    assert {path: (module.rank, module.scale) for path, module in modules.items()} == {PATH: (1, 4.0), other: (2, 2.0)}
    assert modules[other].magnitude.tolist() == [3.0]


@pytest.mark.parametrize(
    ("tensors", "metadata", "rule"),
    [
        ([tensor("layer.weight", A)], {"lora_alpha": "8"}, "tensors"),
        ([tensor(f"{PATH}.lora_B.weight", B)], {"lora_alpha": "8"}, "tensors"),
        ([tensor(f"{PATH}.lora_A.weight", A)], {"lora_alpha": "8"}, "tensors"),
        ([tensor(f"{PATH}.lora_A.weight", A), tensor(f"{PATH}.lora_A.default.weight", A)], {}, "tensors"),
        ([tensor(f"{PATH}.lora_A.weight", A), tensor(f"{PATH}.lora_B.weight", B)], {}, "config"),
        ([tensor(f"{PATH}.lora_A.weight", A), tensor(f"{PATH}.lora_B.weight", B)], {"lora_alpha": "8; x"}, "config"),
        (
            [tensor(f"{PATH}.lora_A.weight", A), tensor(f"{PATH}.lora_B.weight", [B[0] * 2])],
            {"lora_alpha": "8"},
            "shape",
        ),
    ],
)
def test_payload_that_is_no_adapter_is_refused_by_its_rule(tensors, metadata, rule):
    with pytest.raises(PackageRejected) as caught:
        convert(tensors, metadata)
    assert caught.value.rule == rule


def test_command_converts_for_this_nodes_base_and_imports(tmp_path, capsys):
    rows, columns = load_base("tiny", threads=1).linear_shapes[PATH]
    tensors = [
        tensor(f"{PATH}.lora_A.weight", [[0.01] * columns]),
        tensor(f"{PATH}.lora_B.weight", [[0.01]] * rows),
    ]
    (tmp_path / "old.pb").write_bytes(GradientPackage(gradients=tensors).SerializeToString())
    home, target = ["--home", str(tmp_path / "home"), "--json"], str(tmp_path / "package")
    arguments = ["adapter", "convert", str(tmp_path / "old.pb"), target, "--expert", "optics"]
    assert execute([*arguments, *home]) == 1
    assert "--alpha" in capsys.readouterr().out
    assert execute([*arguments, "--alpha", "2", *home]) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "lora"
    assert execute(["adapter", "import", target, *home]) == 0
    assert json.loads(capsys.readouterr().out)["adapter"] == "optics@1"
