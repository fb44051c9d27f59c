"""Gains as files: computed once, within a budget, and again where a file is damaged."""

from __future__ import annotations

import os

import pytest
import torch

from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.dora import gain
from r3mes_ray.models.experts import ExpertBank
from r3mes_ray.models.gains import GainCache

OUT, WIDTH = 64, 8
WEIGHT = torch.randn(OUT, WIDTH, generator=torch.Generator().manual_seed(0))
LAYERS = ("a", "b")


def weight(name):
    assert name in LAYERS
    return WEIGHT


def modules(seed, *, dora=True):
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.randn(2, WIDTH, generator=generator), torch.randn(OUT, 2, generator=generator)
    magnitude = 1 + torch.rand(OUT, generator=generator) if dora else None
    return {name: ModuleAdapter(low, high, 2.0, magnitude) for name in LAYERS}


def equal(gains, other):
    return gains.keys() == other.keys() and all(torch.equal(gains[name], other[name]) for name in gains)


def test_gains_survive_a_restart_and_are_not_computed_again(tmp_path):
    first = GainCache("base", tmp_path).of("one", modules(1), weight)
    restarted = GainCache("base", tmp_path)
    assert equal(restarted.of("one", modules(1), weight), first)
    assert restarted.computed == 0
    assert torch.equal(first["a"], gain(WEIGHT, modules(1)["a"]))
    assert first["a"].dtype == torch.float64


def test_gains_of_another_base_or_adapter_are_their_own(tmp_path):
    cache, other = GainCache("base", tmp_path), GainCache("other", tmp_path)
    for gains in (cache, other):
        gains.of("one", modules(1), weight)
        gains.of("two", modules(2), weight)
    assert (cache.computed, other.computed) == (2, 2)


def test_lora_has_no_gains_and_asks_for_no_weight(tmp_path):
    cache = GainCache("base", tmp_path)
    assert cache.of("one", modules(1, dora=False), pytest.fail) == {}
    assert (cache.computed, list(tmp_path.iterdir())) == (0, [])


def test_files_keep_to_the_budget_and_the_last_used_stays(tmp_path):
    GainCache("base", tmp_path).of("0", modules(0), weight)
    (first,) = tmp_path.iterdir()
    cache = GainCache("base", tmp_path, 2 * first.stat().st_size)
    os.utime(first, ns=(0, 0))
    cache.of("1", modules(1), weight)
    (second,) = set(tmp_path.iterdir()) - {first}
    os.utime(second, ns=(1, 1))
    cache.of("0", modules(0), weight)
    cache.of("2", modules(2), weight)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-base.safetensors", "2-base.safetensors"]


def test_gains_above_the_budget_are_computed_and_not_kept(tmp_path):
    cache = GainCache("base", tmp_path, 10)
    assert len(cache.of("0", modules(0), weight)) == 2
    assert list(tmp_path.iterdir()) == []


def flip_last_byte(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-5], flip_last_byte, lambda data: b""], ids=["cut", "flipped", "empty"]
)
def test_damaged_file_is_computed_again_and_replaced(tmp_path, damage):
    first = GainCache("base", tmp_path).of("one", modules(1), weight)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    for computed in (1, 0):
        cache = GainCache("base", tmp_path)
        assert equal(cache.of("one", modules(1), weight), first)
        assert cache.computed == computed


def test_bank_computes_the_gains_of_a_dora_once_and_of_a_lora_never(base, adapter, tmp_path):
    for computed in (1, 0):
        gains = GainCache(base.base_hash, tmp_path)
        bank = ExpertBank(base, slots=2, gains=gains)
        bank.load(0, adapter(1, 4, dora=True))
        bank.load(1, adapter(2, 4))
        assert gains.computed == computed
        bank.close()
