import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.models.adapters.package import write_package
from r3mes_ray.training import effects, gram
from r3mes_ray.training.effects import Part
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import part_at
from r3mes_ray.training.stored import stored as stored_package


def dense_step(weight, part):
    if part is None:
        return torch.zeros_like(weight)
    direction = weight + part.b @ part.a
    if part.magnitude is not None:
        direction = part.magnitude[:, None] * direction / direction.norm(dim=1, keepdim=True)
    return direction - weight


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.sampled_from(["lora", "dora", "none"]), min_size=1, max_size=5))
def test_gram_of_a_layer_equals_the_dense_inner_products(seed, kinds):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight = normal(9, 7)
    parts = []
    for kind in kinds:
        magnitude = weight.norm(dim=1) * (1 + 0.1 * normal(9).tanh()) if kind == "dora" else None
        parts.append(None if kind == "none" else Part(normal(9, 3) * 0.3, normal(3, 7) * 0.3, magnitude))
    steps = torch.stack([dense_step(weight, part).reshape(-1) for part in parts])
    torch.testing.assert_close(gram_of_layer(weight, parts), steps @ steps.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("columns", [1, 5])
def test_gram_of_a_layer_is_the_same_group_after_group(monkeypatch, columns):
    generator = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight = normal(9, 7)
    magnitudes = [None, None, weight.norm(dim=1) * (1 + 0.1 * normal(9).tanh()), None]
    parts = [Part(normal(9, 3) * 0.3, normal(3, 7) * 0.3, magnitude) for magnitude in magnitudes] + [None]
    whole = gram_of_layer(weight, parts)
    monkeypatch.setattr(effects, "GROUP_COLUMNS", columns)
    torch.testing.assert_close(gram_of_layer(weight, parts), whole, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kept", [1, 100, 200, 2**21])
def test_gram_of_a_layer_has_the_same_bits_however_many_groups_are_kept(monkeypatch, kept):
    generator = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight = normal(9, 7)
    magnitude = weight.norm(dim=1) * (1 + 0.1 * normal(9).tanh())
    parts = [Part(normal(9, 3), normal(3, 7), magnitude if number % 3 == 0 else None) for number in range(11)]
    monkeypatch.setattr(effects, "GROUP_ENTRIES", 0)
    monkeypatch.setattr(effects, "GROUP_COLUMNS", 5)
    monkeypatch.setattr(gram, "KEPT_ENTRIES", kept)
    found = gram_of_layer(weight, [*parts[:4], None, *parts[4:]])
    monkeypatch.setattr(gram, "KEPT_ENTRIES", 300)
    assert torch.equal(found, gram_of_layer(weight, [*parts[:4], None, *parts[4:]]))
    steps = torch.stack([dense_step(weight, part).reshape(-1) for part in (*parts[:4], None, *parts[4:])])
    torch.testing.assert_close(found, steps @ steps.T, rtol=1e-9, atol=1e-9)


def stored(package, folder):
    write_package(package, folder)
    return stored_package(folder, package)


def test_gram_of_steps_is_relative_to_the_start_version(base, packages, tmp_path):
    adapters = [stored(packages.make(n, dora=n != 1), tmp_path / str(n)) for n in range(3)]
    start = stored(packages.make(9), tmp_path / "start")

    def flat(adapter):
        layers = [
            (base.effective_weight(layer.path).double(), part_at(adapter, layer.path)) for layer in adapter.layers
        ]
        return torch.cat([dense_step(weight, part).reshape(-1) for weight, part in layers])

    steps = torch.stack([flat(adapter) - flat(start) for adapter in adapters])
    torch.testing.assert_close(compare_steps(base, adapters, start).gram, steps @ steps.T, rtol=1e-8, atol=1e-8)
    own = compare_steps(base, [start], start).gram
    assert abs(float(own)) < 1e-9
