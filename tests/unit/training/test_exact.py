"""Oracles: dense W′ in float64, PEFT's `add_weighted_adapter`, and hypothesis."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from r3mes_ray.training import effects
from r3mes_ray.training.effects import Part, effects_of
from r3mes_ray.training.exact import mean_of_module


def random_parts(seed, shape, ranks, dora):
    generator = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    weight = normal(*shape) * 0.5
    parts = []
    for rank, has_magnitude in zip(ranks, dora, strict=True):
        magnitude = weight.norm(dim=1) * (1 + 0.2 * normal(shape[0]).tanh()) if has_magnitude else None
        parts.append(Part(normal(shape[0], rank) * 0.2, normal(rank, shape[1]) * 0.2, magnitude))
    return weight, parts


def dense(weight: Tensor, part: Part | None) -> Tensor:
    if part is None:
        return weight
    direction = weight + part.b @ part.a
    if part.magnitude is None:
        return direction
    return part.magnitude[:, None] * direction / direction.norm(dim=1, keepdim=True)


def published(weight, mean):
    magnitude = None if mean.magnitude is None else mean.magnitude.double()
    return dense(weight, Part(mean.b.double(), mean.a.double(), magnitude))


def test_mean_of_hand_computed_lora_is_the_mean_of_products():
    weight = torch.zeros(2, 2)
    first = Part(torch.tensor([[2.0], [0.0]]).double(), torch.tensor([[1.0, 0.0]]).double())
    second = Part(torch.tensor([[0.0], [4.0]]).double(), torch.tensor([[0.0, 1.0]]).double())
    mean = mean_of_module(weight, [first, second], [0.5, 0.5], rank=2, with_magnitude=False)
    torch.testing.assert_close(mean.b @ mean.a, torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    assert (mean.kept_energy, mean.total_energy) == (pytest.approx(5.0), pytest.approx(5.0))
    one = mean_of_module(weight, [first, second], [0.5, 0.5], rank=1, with_magnitude=False)
    torch.testing.assert_close(one.b @ one.a, torch.tensor([[0.0, 0.0], [0.0, 2.0]]))
    assert one.kept_energy / one.total_energy == pytest.approx(0.8)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    kinds=st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=5),
    raw=st.lists(st.floats(0.1, 3.0), min_size=5, max_size=5),
)
def test_mean_at_full_rank_equals_dense_mean_of_effective_weights(seed, kinds, raw):
    ranks, dora = [rank for rank, _ in kinds], [flag for _, flag in kinds]
    weight, parts = random_parts(seed, (12, 10), ranks, dora)
    coefficients = [value / sum(raw[: len(parts)]) for value in raw[: len(parts)]]
    mean = mean_of_module(weight, parts, coefficients, rank=sum(ranks), with_magnitude=any(dora))
    expected = sum(share * dense(weight, part) for share, part in zip(coefficients, parts, strict=True))
    torch.testing.assert_close(published(weight, mean), expected, rtol=0, atol=3e-6)
    assert (mean.magnitude is not None) == any(dora)


def test_mean_truncated_lora_equals_dense_svd_of_the_mean():
    weight, parts = random_parts(3, (16, 14), [3, 4, 5], [False] * 3)
    mean = mean_of_module(weight, parts, [0.2, 0.3, 0.5], rank=4, with_magnitude=False)
    total = sum(share * part.b @ part.a for share, part in zip([0.2, 0.3, 0.5], parts, strict=True))
    u, sigma, vh = torch.linalg.svd(total)
    torch.testing.assert_close((mean.b @ mean.a).double(), (u[:, :4] * sigma[:4]) @ vh[:4], rtol=0, atol=1e-6)
    assert mean.total_energy == pytest.approx(float(sigma.square().sum()))
    assert mean.kept_energy == pytest.approx(float(sigma[:4].square().sum()))


def test_mean_truncated_dora_is_closer_than_refit_of_the_mean_weight():
    """The closed form beats 'mean of W′, then refit', and a mean of the factors by far."""
    weight, parts = random_parts(5, (24, 24), [4] * 6, [True] * 6)
    shares = [1 / 6] * 6
    expected = sum(dense(weight, part) for part in parts) / 6
    ours = published(weight, mean_of_module(weight, parts, shares, rank=4, with_magnitude=True))
    u, sigma, vh = torch.linalg.svd(expected - weight)
    refit = dense(weight, Part(u[:, :4] * sigma[:4], vh[:4], expected.norm(dim=1)))
    assert (ours - expected).norm() < (refit - expected).norm()


def test_mean_of_one_dora_is_that_dora():
    weight, (part,) = random_parts(7, (8, 8), [3], [True])
    mean = mean_of_module(weight, [part], [1.0], rank=3, with_magnitude=True)
    torch.testing.assert_close(mean.magnitude.double(), part.magnitude, rtol=1e-6, atol=0)
    torch.testing.assert_close((mean.b @ mean.a).double(), part.b @ part.a, rtol=0, atol=1e-6)


def test_mean_untouched_module_counts_as_the_base():
    weight, (part,) = random_parts(8, (6, 7), [2], [True])
    mean = mean_of_module(weight, [None, part], [0.75, 0.25], rank=2, with_magnitude=True)
    expected = 0.75 * weight + 0.25 * dense(weight, part)
    torch.testing.assert_close(published(weight, mean), expected, rtol=0, atol=1e-6)


def test_mean_module_untouched_by_all_is_zero():
    mean = mean_of_module(torch.ones(3, 4), [None], [1.0], rank=2, with_magnitude=False)
    assert mean.b.shape == (3, 2)
    assert mean.a.shape == (2, 4)
    assert not mean.b.any()
    assert mean.total_energy == 0.0


def test_mean_is_the_same_for_another_gauge_of_the_factors():
    weight, (one, two) = random_parts(9, (10, 11), [3, 3], [True, False])
    turned = Part(one.b * 1000, one.a / 1000, one.magnitude)
    first = mean_of_module(weight, [one, two], [0.5, 0.5], rank=3, with_magnitude=True)
    second = mean_of_module(weight, [turned, two], [0.5, 0.5], rank=3, with_magnitude=True)
    torch.testing.assert_close(first.b @ first.a, second.b @ second.a, rtol=0, atol=1e-6)


def test_mean_coefficients_that_do_not_sum_to_one_raise():
    weight, parts = random_parts(1, (4, 4), [1, 1], [False, False])
    with pytest.raises(ValueError, match="sum to"):
        mean_of_module(weight, parts, [0.5, 0.4], rank=1, with_magnitude=False)


def test_mean_dora_into_lora_raises():
    weight, parts = random_parts(1, (4, 4), [1], [True])
    with pytest.raises(ValueError, match="DoRA"):
        mean_of_module(weight, parts, [1.0], rank=1, with_magnitude=False)


def test_mean_of_a_row_that_cancels_the_base_is_zero_and_never_infinite():
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    hostile = Part(torch.tensor([[-1.0], [0.0]]).double(), torch.tensor([[1.0, 0.0]]).double(), torch.ones(2).double())
    assert effects_of(weight, [hostile]).gains.tolist() == [[1.0, 1.0]]
    mean = mean_of_module(weight, [hostile], [1.0], rank=1, with_magnitude=True)
    assert mean.magnitude.tolist() == [1.0, 1.0]
    torch.testing.assert_close(weight + mean.b @ mean.a, torch.tensor([[0.0, 0.0], [0.0, 1.0]]))


def with_zero_rows(magnitude):
    """A foreign base with two rows of zeros, of which a DoRA touches the second, with a magnitude at the first."""
    weight, (dora, lora) = random_parts(12, (6, 7), [2, 2], [True, False])
    weight[:2] = 0.0
    b, m = dora.b.clone(), dora.magnitude.clone()
    b[0], m[0], m[1] = 0.0, magnitude, float((b[1] @ dora.a).norm()) * 1.5
    return weight, Part(b, dora.a, m), lora


def test_mean_of_a_zero_row_that_nobody_turns_stays_zero():
    """Whatever its magnitude: the row moves nothing, and the other parts are averaged as ever."""
    weight, dora, lora = with_zero_rows(0.7)
    assert effects_of(weight, [dora]).gains[0, 0] == 1.0
    alone = mean_of_module(weight, [dora], [1.0], rank=2, with_magnitude=True)
    assert (alone.magnitude[0], bool(alone.b[0].any())) == (1.0, False)
    mean = mean_of_module(weight, [dora, lora], [0.5, 0.5], rank=4, with_magnitude=True)
    expected = (dense(weight, dora).nan_to_num(0.0) + dense(weight, lora)) / 2
    torch.testing.assert_close(published(weight, mean), expected, rtol=0, atol=3e-6)


class ReadOnce(list):
    """Parts that are on disk: counts how often each is read."""

    def __init__(self, parts):
        super().__init__(parts)
        self.reads = [0] * len(parts)

    def __getitem__(self, index):
        self.reads[index] += 1
        return super().__getitem__(index)


@pytest.mark.parametrize("columns", [1, 5, 512])
@pytest.mark.parametrize("ranks", [[1, 1], [1, 2], [2, 3, 1], [4, 6, 5, 3]])
def test_mean_group_after_group_equals_the_dense_mean(monkeypatch, ranks, columns):
    """As factors, and as a dense sum: 1 and 2 columns are within a quarter of the shorter side, the others beyond."""
    monkeypatch.setattr(effects, "GROUP_COLUMNS", columns)
    weight, parts = random_parts(13, (12, 10), ranks, [True, False, True, False][: len(ranks)])
    stored, shares = ReadOnce(parts), [1 / len(ranks)] * len(ranks)
    mean = mean_of_module(weight, stored, shares, rank=10, with_magnitude=True)
    assert stored.reads == [1] * len(ranks)
    expected = sum(dense(weight, part) for part in parts) / len(ranks)
    torch.testing.assert_close(published(weight, mean), expected, rtol=0, atol=3e-6)


class Linears(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(14, 12, bias=False)

    def forward(self, x):
        return self.one(x)


@pytest.mark.parametrize("combination", ["cat", "svd"])
def test_mean_of_loras_equals_peft_add_weighted_adapter(combination):
    torch.manual_seed(11)
    ranks, alphas, rslora, weights = [2, 4], [8, 4], [False, True], [0.3, 0.7]
    configs = [
        LoraConfig(r=r, lora_alpha=alpha, use_rslora=flag, target_modules=["one"], init_lora_weights=False)
        for r, alpha, flag in zip(ranks, alphas, rslora, strict=True)
    ]
    model = get_peft_model(Linears(), configs[0], adapter_name="a0")
    model.add_adapter("a1", configs[1])
    model.add_weighted_adapter(["a0", "a1"], weights, "mixed", combination_type=combination, svd_rank=3)
    layer = model.base_model.model.one
    parts = [
        Part(
            (layer.lora_B[name].weight * layer.scaling[name]).detach().double(),
            layer.lora_A[name].weight.detach().double(),
        )
        for name in ("a0", "a1")
    ]
    rank = 6 if combination == "cat" else 3
    mean = mean_of_module(layer.base_layer.weight, parts, weights, rank=rank, with_magnitude=False)
    torch.testing.assert_close(mean.b @ mean.a, layer.get_delta_weight("mixed"), rtol=1e-4, atol=1e-6)
