"""Sketches of what adapters do, beside dense weights in float64 and signs that are drawn here."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.training import effects
from r3mes_ray.training.effects import Part
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.sketch import LayerSketches
from r3mes_ray.training.steps import REPRODUCIBLE


def dense_step(weight, part):
    if part is None:
        return torch.zeros_like(weight)
    direction = weight + part.b @ part.a
    if part.magnitude is not None:
        direction = part.magnitude[:, None] * direction / direction.norm(dim=1, keepdim=True)
    return direction - weight


def signs(path, axis, length):
    data = hashlib.shake_256(f"r3mes/sketch/v1 {axis} {path}".encode()).digest(length)
    bits = [(data[place // 8] >> (place % 8)) & 1 for place in range(8 * length)]
    return torch.tensor([1.0 - 2.0 * bit for bit in bits], dtype=torch.float64).reshape(8, length)


def sketched(path, weight, parts):
    found = LayerSketches(path, weight, len(parts), REPRODUCIBLE)
    gram_of_layer(weight, parts, show=found.add)
    return found.found


def parts_of(generator, weight, kinds, rank=3):
    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    rows, columns = weight.shape
    for kind in kinds:
        magnitude = weight.norm(dim=1) * (1 + 0.1 * normal(rows).tanh()) if kind == "dora" else None
        yield None if kind == "none" else Part(normal(rows, rank) * 0.3, normal(rank, columns) * 0.3, magnitude)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 1000), st.lists(st.sampled_from(["lora", "dora", "none"]), min_size=1, max_size=5), st.integers(1, 5)
)
def test_sketches_of_a_layer_are_those_of_its_dense_steps_however_it_is_grouped(seed, kinds, columns):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(9, 7, generator=generator, dtype=torch.float64)
    parts = list(parts_of(generator, weight, kinds))
    rows, across = signs("mlp.up", "out", 9), signs("mlp.up", "in", 7)
    expected = torch.stack([(rows @ dense_step(weight, part) @ across.T / 8).reshape(64) for part in parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "GROUP_COLUMNS", columns)
        patch.setattr(effects, "GROUP_ENTRIES", 1)
        torch.testing.assert_close(sketched("mlp.up", weight, parts), expected, rtol=1e-9, atol=1e-9)


def test_sketches_over_layers_keep_norms_and_inner_products():
    """On average over directions: 40 layers of rank 1, the worst that a layer can be, leave an eighth of doubt."""
    generator = torch.Generator().manual_seed(3)
    weight = torch.zeros(64, 48, dtype=torch.float64)
    total, exact = torch.zeros(6, 64, dtype=torch.float64), torch.zeros(6, 6, dtype=torch.float64)
    for layer in range(40):
        parts = list(parts_of(generator, weight, ["lora"] * 6, rank=1))
        total += sketched(f"layers.{layer}", weight, parts)
        exact += gram_of_layer(weight, parts)
    scale = exact.diagonal().sqrt()
    error = (total @ total.T - exact) / (scale[:, None] * scale[None, :])
    assert float(error.diagonal().abs().max()) < 0.5
    assert float(error.square().mean().sqrt()) < 0.2


def test_signs_of_layers_and_of_their_sides_differ():
    drawn = [signs(path, axis, 48) for path in ("a", "b") for axis in ("in", "out")]
    overlaps = [abs(float((x * y).mean())) for i, x in enumerate(drawn) for y in drawn[:i]]
    assert max(overlaps) < 0.25
    assert np.mean([float(drawn_one.mean()) for drawn_one in drawn]) == pytest.approx(0.0, abs=0.1)


def hostile(weight, axis_rows, axis_columns):
    """As much as the gate for one update takes, along the signs."""
    rows, columns = signs("mlp.up", "out", len(weight)), signs("mlp.up", "in", weight.shape[1])
    size = 50 * weight.norm() / (weight.numel() ** 0.5)
    return Part(rows[axis_rows][:, None] * size, columns[axis_columns][None, :])


@pytest.mark.parametrize("kinds", [["lora"] * 3, ["dora", "lora", "dora"]])
def test_sketch_has_the_same_bits_alone_and_beside_a_giant_along_the_signs(kinds):
    """A refused update must not take the others' sketches with it."""
    generator = torch.Generator().manual_seed(5)
    weight = torch.randn(96, 80, generator=generator, dtype=torch.float64)
    parts = [Part(p.b * 1e-3, p.a * 1e-3, p.magnitude) for p in parts_of(generator, weight, kinds)]
    giant = hostile(weight, 0, 0)
    loud = Part(giant.b, giant.a, 50 * weight.norm(dim=1))
    beside = sketched("mlp.up", weight, [giant, *parts, loud, giant])[1:-2]
    alone = torch.cat([sketched("mlp.up", weight, [part]) for part in parts])
    assert torch.equal(beside, alone)
    rows, across = signs("mlp.up", "out", 96), signs("mlp.up", "in", 80)
    expected = torch.stack([(rows @ dense_step(weight, part) @ across.T / 8).reshape(64) for part in parts])
    torch.testing.assert_close(beside, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))
