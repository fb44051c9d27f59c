"""The bank against the formula in float64, row by row."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin.plan import make_plan
from r3mes_ray.vllm_plugin.slots import SlotBank

SLICES, WIDTH = (6, 3, 3), 8
BATCHES = [[0], [0, 1, 2, 3], [3, -1, 0, 0, 2, -1], [1] * 20 + [-1, 2, 0], [-1, -1], [0, 1] * 10 + [-1] * 3 + [2]]


class Adapter:
    def __init__(self, seed, ranks, gained=()):
        generator = torch.Generator().manual_seed(seed)
        self.a = [torch.randn(rank, WIDTH, generator=generator) if rank else None for rank in ranks]
        sizes = zip(SLICES, ranks, strict=True)
        self.b = [torch.randn(size, rank, generator=generator) if rank else None for size, rank in sizes]
        self.gains = [
            0.5 + torch.rand(size, generator=generator) if at in gained else None for at, size in enumerate(SLICES)
        ]

    def expected(self, y, x):
        delta = [
            torch.zeros(size) if b is None else b @ (a @ x) for size, a, b in zip(SLICES, self.a, self.b, strict=True)
        ]
        gains = [torch.ones(size) if gain is None else gain for size, gain in zip(SLICES, self.gains, strict=True)]
        return y * torch.cat(gains) + torch.cat(delta)


ADAPTERS = [
    Adapter(0, (2, 2, 2)),
    Adapter(1, (4, 1, 0), gained=(0, 1)),
    Adapter(2, (0, 3, 0)),
    Adapter(3, (1, 1, 1), gained=(0, 1, 2)),
]


@pytest.fixture
def bank():
    bank = SlotBank(4, SLICES, torch.float64)
    for slot, adapter in enumerate(ADAPTERS):
        bank.fill(slot, adapter.a, adapter.b)
        if any(gain is not None for gain in adapter.gains):
            bank.scale(slot, adapter.gains)
    return bank


def run(bank, slots, seed=9):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(slots), WIDTH, generator=generator, dtype=torch.float64)
    y = torch.randn(len(slots), sum(SLICES), generator=generator, dtype=torch.float64)
    found = y.clone()
    bank.apply(found, x, make_plan(slots))
    return x, y, found


@pytest.mark.parametrize("slots", BATCHES, ids=str)
def test_bank_equals_the_formula_row_by_row(bank, slots):
    x, y, found = run(bank, slots)
    for row, slot in enumerate(slots):
        if slot < 0:
            assert torch.equal(found[row], y[row])
        else:
            adapter = ADAPTERS[slot]
            expected = adapter.expected(y[row].float(), x[row].float())
            torch.testing.assert_close(found[row].float(), expected, atol=1e-5, rtol=1e-5)


def test_bank_forgets_what_was_in_a_slot(bank):
    run(bank, [0, 1, 2])
    bank.clear(1)
    _, y, found = run(bank, [0, 1, 2])
    assert torch.equal(found[1], y[1])
    assert not torch.equal(found[0], y[0])
    bank.fill(1, ADAPTERS[0].a, ADAPTERS[0].b)
    x, y, found = run(bank, [0, 1, 2])
    torch.testing.assert_close(found[1].float(), ADAPTERS[0].expected(y[1].float(), x[1].float()), atol=1e-5, rtol=1e-5)


def test_bank_has_no_gains_left_after_its_last_dora(bank):
    gains = bank.gains
    assert gains.shape == (4, sum(SLICES))
    bank.clear(1)
    assert bool((bank.gains[1] == 1).all())
    assert not bool((bank.gains[3] == 1).any())
    bank.clear(3)
    assert bank.gains is None


def test_bank_counts_its_bytes(bank):
    before = bank.nbytes
    run(bank, [0, 2])
    assert bank.nbytes - before == 8 * 2 * ((2 + 3 + 2) * WIDTH + 2 * 6 + 3 * 3 + 2 * 3)
    bank.clear(0)
    assert before - bank.nbytes == 8 * (3 * 2 * WIDTH + 2 * sum(SLICES))
    before = bank.nbytes
    bank.clear(1)
    bank.clear(3)
    doras = 8 * (5 * WIDTH + 4 * 6 + 1 * 3) + 8 * (3 * WIDTH + sum(SLICES))
    assert before - bank.nbytes == doras + 8 * 4 * sum(SLICES)
