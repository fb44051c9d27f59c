"""Oracle of the layer: PEFT's own DoRA and LoRA in float64, forward and gradient."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import PeftModel

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapted_linear import attached, trainable
from r3mes_ray.models.adapters import UpdateOrigin, check_against_base, make_package, write_package
from r3mes_ray.models.dora import gain, row_norms
from r3mes_ray.models.finetune import train_adapter
from r3mes_ray.settings import MiningSettings

TOKENS = torch.arange(3, 43).view(5, 8)
TEXT = "abcdefgh " * 400
QUICK = MiningSettings(rank=4, alpha=8, learning_rate=0.02, batch=4, window_tokens=16, steps=12)


def ignore(report):
    pass


def train(base, **changes):
    options = {"method": "dora", "start": None, "seed": 1, "on_step": ignore} | changes
    return train_adapter(base, TEXT, QUICK, **options)


def package_of(base, trained):
    origin = UpdateOrigin("remes1miner", 0)
    return make_package(trained.config, trained.tensors, base_id=base.base_id, expert="e", version=1, origin=origin)


@pytest.mark.parametrize("dora", [True, False])
def test_adapted_layers_forward_and_gradient_equal_peft(base, adapter, tmp_path, dora):
    base.model.double()
    package = adapter(5, 4, dora=dora)
    write_package(package, tmp_path / "a")
    oracle = PeftModel.from_pretrained(copy.deepcopy(base.model), tmp_path / "a", is_trainable=True).double().eval()
    expected = oracle(input_ids=TOKENS, labels=TOKENS)
    expected.loss.backward()
    modules = package.modules()
    mine = {name: trainable(base.effective_weight(name), module, dora=dora) for name, module in modules.items()}
    with attached(base, mine):
        actual = base.model(input_ids=TOKENS, labels=TOKENS)
        actual.loss.backward()
    torch.testing.assert_close(actual.logits, expected.logits, atol=1e-5, rtol=0)
    gradients = {name: p.grad for name, p in oracle.named_parameters() if p.requires_grad}
    for name, layer in mine.items():
        prefix = f"base_model.model.{name}."
        torch.testing.assert_close(layer.a.grad, gradients[f"{prefix}lora_A.default.weight"], atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(layer.b.grad, gradients[f"{prefix}lora_B.default.weight"], atol=1e-6, rtol=1e-4)
        if dora:
            magnitude = gradients[f"{prefix}lora_magnitude_vector.default.weight"]
            torch.testing.assert_close(layer.magnitude.grad, magnitude, atol=1e-6, rtol=1e-4)


def test_attached_leaves_the_base_as_it_was(base, adapter):
    with torch.no_grad():
        before = base.model(input_ids=TOKENS).logits
        modules = adapter(5, 4, dora=True).modules()
        with attached(base, {n: trainable(base.effective_weight(n), m, dora=True) for n, m in modules.items()}):
            assert not torch.allclose(base.model(input_ids=TOKENS).logits, before, atol=1e-2)
        assert torch.equal(base.model(input_ids=TOKENS).logits, before)


@pytest.mark.parametrize("method", ["dora", "lora"])
def test_training_lowers_the_loss_on_windows_it_did_not_see(base, method):
    trained = train(base, method=method)
    assert trained.loss_after < trained.loss_before - 0.5
    assert (trained.steps, trained.tokens) == (12, 12 * 4 * 16)


def test_training_is_a_function_of_its_seed(base):
    first, second, other = train(base), train(base), train(base, seed=2)
    assert all(torch.equal(tensor, second.tensors[name]) for name, tensor in first.tensors.items())
    assert any(not torch.equal(tensor, other.tensors[name]) for name, tensor in first.tensors.items())


def test_training_continues_where_the_start_version_is(base):
    first = train(base)
    second = train(base, start=package_of(base, first), seed=3)
    assert second.loss_before == pytest.approx(first.loss_after, abs=0.02)
    assert second.loss_after < second.loss_before


def test_training_dora_from_a_lora_start_begins_at_the_lora(base):
    first = train(base, method="lora")
    second = train(base, start=package_of(base, first))
    assert second.loss_before == pytest.approx(first.loss_after, abs=0.02)
    assert second.config.use_dora


def test_training_lora_from_a_dora_start_is_refused(base, adapter):
    with pytest.raises(InvalidInput, match="a LoRA cannot start there"):
        train(base, method="lora", start=adapter(1, 4, dora=True))


def test_training_without_enough_text_is_refused(base):
    with pytest.raises(InvalidInput, match="two windows of 16"):
        train_adapter(base, "abcdefgh " * 2, QUICK, method="dora", start=None, seed=0, on_step=ignore)


def test_training_ends_when_its_seconds_are_over(base):
    hurried = QUICK.model_copy(update={"max_seconds": 1e-9})
    trained = train_adapter(base, TEXT, hurried, method="dora", start=None, seed=0, on_step=ignore)
    assert (trained.steps, trained.tokens) == (0, 0)
    assert trained.loss_after == trained.loss_before


def test_training_a_base_with_zero_rows_gives_a_package_that_fits_and_peft_computes(base, tmp_path):
    name = base.linear_names[0]
    base.linear(name).codes.data[[1, 4]] = 0.0
    package = package_of(base, train(base))
    check_against_base(package, base.linear_shapes, base.base_hash, 4)
    norms = row_norms(base.effective_weight(name), package.modules()[name].a, package.modules()[name].b, 2.0)
    assert norms.min() > 0
    write_package(package, tmp_path / "a")
    peft = PeftModel.from_pretrained(base.model, tmp_path / "a")
    assert bool(peft(input_ids=TOKENS).logits.isfinite().all())


def test_training_keeps_gains_in_proportion_at_any_rate(base):
    wild = QUICK.model_copy(update={"learning_rate": 3.0})
    trained = train_adapter(base, TEXT, wild, method="dora", start=None, seed=0, on_step=ignore)
    package = package_of(base, trained)
    check_against_base(package, base.linear_shapes, base.base_hash, 4)
    gains = [gain(base.effective_weight(name), module) for name, module in package.modules().items()]
    assert 0.049 < min(g.min() for g in gains) < max(g.max() for g in gains) < 20.1
