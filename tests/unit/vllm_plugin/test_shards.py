"""Tensor parallelism: what the ranks compute, put together, is the formula on the whole layer.

The classes for CUDA run here on a CPU: their gains are their own, and the factors' product is the plugin's instead of
vLLM's kernels.
"""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from vllm.config import VllmConfig, set_current_vllm_config
from vllm.config.lora import LoRAConfig
from vllm.lora import layers as stock
from vllm.model_executor import parameter
from vllm.model_executor.layers import linear

from r3mes_ray.vllm_plugin.layers import GROUPED_LAYERS, STACKED_LAYERS
from r3mes_ray.vllm_plugin.plan import make_plan
from r3mes_ray.vllm_plugin.punica import GroupedPunicaWrapper

HIDDEN, HEAD, RANK, WIDE = 32, 4, 3, 4096
ROWS = (0, -1, 1, 0)


def step(slots):
    """What layers find of a step whose rows are of these slots."""
    wrapper = GroupedPunicaWrapper(len(slots), len(slots), "cpu")
    wrapper.plan = make_plan(slots)
    wrapper._token_lora_indices.copy_(torch.tensor(slots))
    return wrapper


@pytest.fixture(params=[GROUPED_LAYERS, STACKED_LAYERS], ids=["cpu", "cuda"])
def shard(request, monkeypatch):
    """Build a layer as one of two ranks does."""

    def build(stock_class, make, rank):
        for module in (linear, parameter):
            monkeypatch.setattr(module, "get_tensor_model_parallel_rank", lambda: rank)
            monkeypatch.setattr(module, "get_tensor_model_parallel_world_size", lambda: 2)
        config = VllmConfig()
        with set_current_vllm_config(config):
            layer = request.param[stock_class](make())
            layer.create_lora_weights(2, LoRAConfig(max_loras=2, max_lora_rank=8, lora_dtype=torch.float32))
        layer.base_layer.cpu_linear = torch.nn.functional.linear
        layer.set_mapping(step(ROWS))
        return layer

    return build


class Whole:
    """Matrices of a layer, unsharded, with a LoRA in slot 0 and a DoRA in slot 1."""

    def __init__(self, heights, width):
        generator = torch.Generator().manual_seed(3)

        def draw(*shape):
            return torch.randn(*shape, generator=generator)

        self.weights = [draw(height, width) for height in heights]
        self.biases = [draw(height) for height in heights]
        self.a = [[draw(RANK, width) for _ in heights] for _ in range(2)]
        self.b = [[draw(height, RANK) for height in heights] for _ in range(2)]
        self.gains = [0.5 + torch.rand(height, generator=generator) for height in heights]
        self.x = draw(len(ROWS), width)

    def expected(self, part, *, bias):
        rows = []
        for x, slot in zip(self.x, ROWS, strict=True):
            y = self.weights[part] @ x
            if slot == 1:
                y = y * self.gains[part]
            if slot >= 0:
                y = y + self.b[slot][part] @ (self.a[slot][part] @ x)
            rows.append(y + self.biases[part] if bias else y)
        return torch.stack(rows)

    def fill(self, layer):
        one = len(self.weights) == 1
        for slot in (0, 1):
            layer.set_lora(slot, *((self.a[slot][0], self.b[slot][0]) if one else (self.a[slot], self.b[slot])))
        layer.set_gains(1, self.gains)


@pytest.mark.parametrize("kv_heads", [4, 1], ids=["sharded keys", "replicated keys"])
def test_fused_qkv_of_two_ranks_is_the_formula(shard, kv_heads):
    heads = (8, kv_heads, kv_heads)
    whole = Whole([count * HEAD for count in heads], HIDDEN)
    for rank in (0, 1):
        layer = shard(
            stock.MergedQKVParallelLinearWithLoRA, lambda: linear.QKVParallelLinear(HIDDEN, HEAD, 8, kv_heads), rank
        )
        assert [layer.matrix_shape(part) for part in range(3)] == [(count * HEAD, HIDDEN) for count in heads]
        cuts = []
        for part, count in enumerate(heads):
            own = max(count // 2, 1) * HEAD
            start = rank * own if count > 1 else 0
            cuts.append((part, slice(start, start + own)))
        layer.base_layer.weight.data = torch.cat([whole.weights[part][cut] for part, cut in cuts])
        bias = torch.cat([whole.biases[part][cut] for part, cut in cuts])
        whole.fill(layer)
        found = layer.apply(whole.x, bias)
        expected = torch.cat([whole.expected(part, bias=True)[:, cut] for part, cut in cuts], dim=1)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_gate_and_up_of_two_ranks_are_the_formula(shard):
    whole = Whole([24, 24], HIDDEN)
    for rank in (0, 1):
        layer = shard(
            stock.MergedColumnParallelLinearWithLoRA,
            lambda: linear.MergedColumnParallelLinear(HIDDEN, [24, 24], bias=False),
            rank,
        )
        cut = slice(rank * 12, rank * 12 + 12)
        layer.base_layer.weight.data = torch.cat([weight[cut] for weight in whole.weights])
        whole.fill(layer)
        expected = torch.cat([whole.expected(part, bias=False)[:, cut] for part in (0, 1)], dim=1)
        torch.testing.assert_close(layer.apply(whole.x), expected, atol=1e-4, rtol=1e-4)


def test_row_parallel_layer_of_two_ranks_sums_to_the_formula(shard):
    whole, total = Whole([HIDDEN], 40), 0
    for rank in (0, 1):
        layer = shard(stock.RowParallelLinearWithLoRA, lambda: linear.RowParallelLinear(40, HIDDEN), rank)
        cut = slice(rank * 20, rank * 20 + 20)
        layer.base_layer.weight.data = whole.weights[0][:, cut].contiguous()
        whole.fill(layer)
        total = total + layer.apply(whole.x[:, cut].contiguous(), whole.biases[0] if rank == 0 else None)
    torch.testing.assert_close(total, whole.expected(0, bias=True), atol=1e-4, rtol=1e-4)


def test_bits_of_a_base_row_do_not_change_when_another_slot_gets_a_dora(shard):
    # Many rows and columns: a library sums them in several blocks, the first of which would begin at the bias.
    whole = Whole([HIDDEN], 2 * WIDE)
    layer = shard(stock.RowParallelLinearWithLoRA, lambda: linear.RowParallelLinear(2 * WIDE, HIDDEN), 0)
    layer.base_layer.weight.data = whole.weights[0][:, :WIDE].contiguous()
    x, slots = whole.x[:, :WIDE].repeat(4, 1), ROWS * 4
    layer.set_mapping(step(slots))
    before = layer.apply(x, whole.biases[0])
    whole.fill(layer)
    after = layer.apply(x, whole.biases[0])
    base_rows = [row for row, slot in enumerate(slots) if slot < 0]
    assert torch.equal(after[base_rows], before[base_rows])
    assert not torch.equal(after, before)
