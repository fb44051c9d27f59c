"""The parts that a base is trained with, each against the plain formulation in torch."""

from __future__ import annotations

import lzma

import pytest
import torch
from torch.nn import functional as F

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.bitnet import BitLinear, TrainableBitLinear, quantise_activation, ternary_codes, ternary_product
from r3mes_ray.models.corpus import encode, even_windows, read_text, sample_windows, split_corpus
from r3mes_ray.models.dora import effective_delta, gain, row_norms
from r3mes_ray.models.losses import next_token_loss
from r3mes_ray.models.muon import Muon, orthogonalise
from r3mes_ray.models.pretrain import Pretraining, PretrainSettings, new_model
from r3mes_ray.models.tokenizer import END, USER, train_tokenizer


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_ternary_codes_are_rounded_multiples_of_the_mean_magnitude():
    codes, scale = ternary_codes(torch.tensor([[2.0, -0.4, 0.1], [-3.0, 0.5, 0.0]]))
    assert scale.item() == 1.0
    assert codes.tolist() == [[1, 0, 0], [-1, 0, 0]]


def test_ternary_codes_of_zeros_are_zero():
    codes, scale = ternary_codes(torch.zeros(2, 2))
    assert codes.tolist() == [[0, 0], [0, 0]]
    assert scale > 0


def test_quantise_activation_has_steps_of_the_token_s_largest_magnitude():
    rounded = quantise_activation(torch.tensor([[127.0, 0.6, -0.4], [-1.27, 0.02, 0.004]]))
    assert torch.allclose(rounded, torch.tensor([[127.0, 1.0, 0.0], [-1.27, 0.02, 0.0]]))


def test_quantise_activation_rounds_ties_to_even():
    assert quantise_activation(torch.tensor([[127.0, 0.5, 1.5, -2.5]])).tolist() == [[127.0, 0.0, 2.0, -2.0]]


def test_ternary_product_does_not_depend_on_the_order_of_its_sums():
    x, codes, scale = randn(7, 704), randn(96, 704, seed=1).sign(), torch.tensor(0.03)
    product = ternary_product(x, codes, scale)
    turned = torch.randperm(704, generator=torch.Generator().manual_seed(2))
    assert torch.equal(product, ternary_product(x[:, turned], codes[:, turned], scale))
    assert all(torch.equal(product[row], ternary_product(x[row : row + 1], codes, scale)[0]) for row in range(7))
    expected = quantise_activation(x).double() @ (scale * codes).double().t()
    torch.testing.assert_close(product, expected.float(), rtol=1e-6, atol=1e-6)


def test_ternary_layer_lets_the_gradient_through_its_rounding():
    layer = BitLinear(6, 4, bias=True)
    layer.hold_codes()
    layer.codes.data, layer.scale = randn(4, 6, seed=1).sign(), torch.tensor(0.5)
    layer.requires_grad_(requires_grad=False)
    x, upper = randn(2, 3, 6, seed=2).requires_grad_(), randn(2, 3, 4, seed=3)
    output = layer(x)
    output.backward(upper)
    torch.testing.assert_close(x.grad, upper @ layer.weight)
    torch.testing.assert_close(output.detach(), F.linear(quantise_activation(x.detach()), layer.weight, layer.bias))
    assert torch.equal(output.detach(), layer(x.detach()))


def test_trainable_layer_equals_straight_through_autograd():
    layer = TrainableBitLinear(6, 4, bias=False)
    layer.weight.data = randn(4, 6, seed=1)
    x, upper = randn(2, 3, 6, seed=2).requires_grad_(), randn(2, 3, 4, seed=3)
    output = layer(x)
    output.backward(upper)
    actual = (output.detach(), x.grad.clone(), layer.weight.grad.clone())
    x.grad = layer.weight.grad = None
    codes, scale = ternary_codes(layer.weight)
    weight = layer.weight + (codes * scale - layer.weight).detach()
    rounded = x + (quantise_activation(x) - x).detach()
    expected = rounded @ weight.t()
    expected.backward(upper)
    for mine, theirs in zip(actual, (expected.detach(), x.grad, layer.weight.grad), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_next_token_loss_equals_cross_entropy_with_gradients():
    hidden, weight = randn(3, 400, 8).requires_grad_(), randn(11, 8, seed=1).requires_grad_()
    tokens = torch.randint(0, 11, (3, 400), generator=torch.Generator().manual_seed(2))
    (next_token_loss(hidden, weight, tokens) * 2).backward()
    actual = (hidden.grad.clone(), weight.grad.clone())
    hidden.grad = weight.grad = None
    expected = F.cross_entropy((hidden[:, :-1] @ weight.t()).reshape(-1, 11), tokens[:, 1:].reshape(-1))
    torch.testing.assert_close(next_token_loss(hidden, weight, tokens), expected)
    (expected * 2).backward()
    torch.testing.assert_close(actual, (hidden.grad, weight.grad))


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_orthogonalise_brings_singular_values_near_one_and_keeps_vectors(shape):
    matrix = randn(*shape)
    result = orthogonalise(matrix)
    assert torch.linalg.svdvals(result).sub(1).abs().max() < 0.4
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    rotated = u.t() @ result @ v.t()
    assert (rotated - rotated.diag().diag()).abs().max() < 0.05


def test_muon_finds_a_matrix():
    target, weight = randn(6, 9), torch.zeros(6, 9, requires_grad=True)
    optimiser = Muon([weight], lr=0.1)
    for step in range(150):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 150)
        optimiser.zero_grad()
        F.mse_loss(weight, target).backward()
        optimiser.step()
    assert F.mse_loss(weight, target) < 0.01


def test_row_norms_and_gain_equal_the_dense_ones(adapter, base):
    for name, module in adapter(3, 4, dora=True, strength=1.0).modules().items():
        weight = base.effective_weight(name).double()
        dense = weight + module.scale * module.b.double() @ module.a.double()
        torch.testing.assert_close(row_norms(weight, module.a, module.b, module.scale), dense.norm(dim=1))
        adapted = module.magnitude.double()[:, None] * dense / dense.norm(dim=1, keepdim=True)
        torch.testing.assert_close(effective_delta(weight, module), adapted - weight)


def test_gain_of_a_zero_row_is_one(adapter, base):
    name, module = next(iter(adapter(3, 4, dora=True, strength=0.0).modules().items()))
    weight = base.effective_weight(name).clone()
    weight[2] = 0
    assert gain(weight, module)[2] == 1


def test_read_text_unpacks_and_refuses(tmp_path):
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress("grün".encode()))
    assert read_text(tmp_path / "a.txt.xz") == "grün"
    (tmp_path / "b.xz").write_bytes(b"no xz")
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe")
    for name in ("b.xz", "c.txt", "missing"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_text(tmp_path / name)


def test_tokenizer_round_trip_special_tokens_and_pieces():
    text = f"{USER}What is light?{END}\n" + "light rays, prisms and colours\n" * 5000
    tokenizer = train_tokenizer([text], 300)
    ids = encode(tokenizer, text)
    assert tokenizer.decode(ids) == text
    assert (ids == tokenizer.convert_tokens_to_ids(END)).sum() == 1
    assert tokenizer.convert_tokens_to_ids("<|pad|>") == 0
    assert ids.tolist() == tokenizer(text, add_special_tokens=False).input_ids


def test_chat_template_refuses_an_unknown_role(tokenizer):
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == "<|user|>a<|assistant|>b<|end|>\n\n"
    with pytest.raises(Exception, match="a message is of"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "a"}], tokenize=False)


def test_split_corpus_parts_are_disjoint_and_spread():
    tokens = torch.arange(512 * 130 + 5)
    corpus = split_corpus(tokens)
    assert (len(corpus.train), len(corpus.heldout)) == (512 * 128, 512 * 2)
    assert corpus.heldout[0] == 63 * 512
    assert corpus.heldout[512] == 127 * 512
    assert not set(corpus.train.tolist()) & set(corpus.heldout.tolist())


def test_windows_are_pieces_of_the_text():
    tokens = torch.arange(100, 150)
    windows = sample_windows(tokens, 4, 10, seed=1)
    assert torch.equal(windows - windows[:, :1], torch.arange(10).expand(4, 10))
    assert torch.equal(windows, sample_windows(tokens, 4, 10, seed=1))
    assert even_windows(tokens, 20).tolist() == [list(range(100, 120)), list(range(120, 140))]
    assert sample_windows(tokens, 1, 50, seed=0).tolist() == [tokens.tolist()]
    with pytest.raises(InvalidInput, match="has 50 tokens, one window needs 51"):
        sample_windows(tokens, 1, 51, seed=0)


SETTINGS = PretrainSettings(steps=12, seconds=1e6, batch=2, window_tokens=16)


def corpus():
    return split_corpus(torch.arange(512 * 64 + 1) % 7 + 3)


def test_pretraining_learns_a_repeating_text(config):
    run = Pretraining(
        new_model(config, 0), corpus(), PretrainSettings(steps=60, seconds=1e6, batch=4, window_tokens=16)
    )
    assert run.heldout_loss() > 4.0
    run.run(lambda report: None, None)
    assert run.heldout_loss() < 2.0
    assert (run.step, run.tokens) == (60, 60 * 64)


def test_pretraining_resumed_is_the_run_that_never_stopped(config, tmp_path):
    whole = Pretraining(new_model(config, 0), corpus(), SETTINGS)
    whole.run(lambda report: None, None)
    first = Pretraining(new_model(config, 0), corpus(), SETTINGS)
    for _ in range(5):
        first.train_step()
    first.save(tmp_path / "c.safetensors")
    second = Pretraining(new_model(config, 9), corpus(), SETTINGS)
    second.resume(tmp_path / "c.safetensors")
    second.run(lambda report: None, None)
    for mine, theirs in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-3)


def test_pretraining_checkpoint_of_another_run_is_refused(config, tmp_path):
    Pretraining(new_model(config, 0), corpus(), SETTINGS).save(tmp_path / "c.safetensors")
    other = Pretraining(new_model(config, 0), corpus(), PretrainSettings(steps=12, batch=4, window_tokens=16))
    with pytest.raises(InvalidInput, match="another"):
        other.resume(tmp_path / "c.safetensors")
    (tmp_path / "c.safetensors").write_bytes(b"junk")
    with pytest.raises(InvalidInput, match="cannot be read"):
        other.resume(tmp_path / "c.safetensors")


def test_pretraining_reports_what_it_did(config):
    reports = []
    Pretraining(new_model(config, 0), corpus(), SETTINGS).run(reports.append, None, every=6)
    assert [(report.step, report.tokens) for report in reports] == [(6, 192), (12, 384)]
    assert reports[1].loss < reports[0].loss
