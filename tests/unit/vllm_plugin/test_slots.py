"""The bank against the formula in float64, row by row."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin import row_kernel
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
    bank = SlotBank(4, SLICES)
    for slot, adapter in enumerate(ADAPTERS):
        bank.fill(slot, adapter.a, adapter.b)
        if any(gain is not None for gain in adapter.gains):
            bank.scale(slot, adapter.gains)
    return bank


def run(bank, slots, seed=9, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(slots), WIDTH, generator=generator).to(dtype)
    y = torch.randn(len(slots), sum(SLICES), generator=generator).to(dtype)
    found = y.clone()
    bank.apply(found, x, make_plan(slots))
    return x, y, found


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)], ids=["float32", "bfloat16"]
)
@pytest.mark.parametrize("slots", BATCHES, ids=str)
def test_bank_equals_the_formula_row_by_row(bank, slots, dtype, tolerance):
    x, y, found = run(bank, slots, dtype=dtype)
    for row, slot in enumerate(slots):
        if slot < 0:
            assert torch.equal(found[row], y[row])
        else:
            expected = ADAPTERS[slot].expected(y[row].float(), x[row].float())
            torch.testing.assert_close(found[row].float(), expected, atol=tolerance, rtol=tolerance)


def test_bank_writes_through_views_whose_rows_are_apart(bank):
    x, y, found = run(bank, [0, -1, 1])
    apart = torch.zeros(3, 2 * sum(SLICES))[:, : sum(SLICES)].copy_(y)
    bank.apply(apart, torch.zeros(3, 2 * WIDTH)[:, :WIDTH].copy_(x), make_plan([0, -1, 1]))
    assert torch.equal(apart, found)


def test_bank_gives_a_row_the_same_bits_in_every_batch_and_with_every_number_of_threads(monkeypatch):
    generator = torch.Generator().manual_seed(3)
    bank = SlotBank(2, (700, 9))
    for slot, rank in enumerate((5, 16)):
        bank.fill(slot, [torch.randn(rank, 96, generator=generator)] * 2, [torch.randn(n, rank) for n in (700, 9)])
    bank.scale(1, [torch.rand(700), None])
    x, y = torch.randn(40, 96, generator=generator), torch.randn(40, 709, generator=generator)
    slots = [0, 1, -1, 1] * 10
    alone = torch.cat([_applied(bank, y[row : row + 1], x[row : row + 1], slots[row : row + 1]) for row in range(40)])
    assert torch.equal(_applied(bank, y, x, slots), alone)
    monkeypatch.setattr(row_kernel, "_SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert torch.equal(_applied(bank, y, x, slots), alone)


def _applied(bank, y, x, slots):
    found = y.clone()
    bank.apply(found, x, make_plan(slots))
    return found


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


def test_bank_counts_its_bytes_which_batches_leave_as_they_are(bank):
    factors = [6 * WIDTH + 2 * 12, 5 * WIDTH + 4 * 6 + 1 * 3, 3 * WIDTH + 3 * 3, 3 * WIDTH + 12]
    assert bank.nbytes == 4 * (sum(factors) + 4 * sum(SLICES))
    run(bank, [0, 2])
    run(bank, [2, 1, 0])
    bank.clear(0)
    assert bank.nbytes == 4 * (sum(factors[1:]) + 4 * sum(SLICES))
    bank.clear(1)
    bank.clear(3)
    assert bank.nbytes == 4 * factors[2]
