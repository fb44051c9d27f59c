"""Literal numbers, and numpy's sort as the oracle of the sorting network."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.training.rules.compiled import BLOCK, LEAST, compiled, sort_columns
from r3mes_ray.training.rules.coordinate_median import coordinate_median
from r3mes_ray.training.rules.meamed import mean_around_median
from r3mes_ray.training.rules.ordering import COLUMNS, mean_of_sorted, network, reduce_sorted
from r3mes_ray.training.rules.trimmed_mean import trimmed_mean


def column(*values):
    return torch.tensor([values], dtype=torch.float64).T


def test_median_of_an_odd_and_an_even_number():
    assert coordinate_median(column(9.0, 1.0, 2.0), 0).tolist() == [2.0]
    assert coordinate_median(column(9.0, 1.0, 2.0, 4.0), 0).tolist() == [3.0]


def test_trimmed_mean_leaves_out_both_ends():
    assert trimmed_mean(column(100.0, 1.0, 2.0, 3.0, -50.0), 1).tolist() == [2.0]
    assert trimmed_mean(column(1.0, 2.0, 6.0), 0).tolist() == [3.0]


def test_mean_around_median_leaves_out_the_farthest():
    assert mean_around_median(column(1.0, 2.0, 3.0, 100.0, 4.0), 1).tolist() == [2.5]


@given(st.integers(1, 40), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_network_sorts_whatever_the_number_of_rows(n, seed):
    """The zero-one principle: a network that sorts zeros and ones sorts everything."""
    rows = torch.from_numpy(np.random.default_rng(seed).integers(0, 2, (n, 64)).astype(np.float32))
    for index in {0, n // 2, n - 1}:
        found = reduce_sorted(rows, index, index + 1, lambda kept: kept[0])
        assert torch.equal(found, rows.sort(dim=0).values[index])


@pytest.mark.parametrize("n", [1, 2, 7, 32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rules_equal_numpy_on_more_columns_than_one_block(n, dtype):
    rows = torch.randn(n, COLUMNS + 77, generator=torch.Generator().manual_seed(n)).to(dtype)
    np.testing.assert_allclose(coordinate_median(rows, 0).numpy(), np.median(rows.numpy(), axis=0), rtol=1e-6)
    trim = (n - 1) // 4
    expected = np.sort(rows.numpy(), axis=0)[trim : n - trim].mean(axis=0)
    np.testing.assert_allclose(trimmed_mean(rows, trim).numpy(), expected, rtol=1e-4, atol=1e-6)


def test_network_of_32_rows_has_batchers_191_comparators_and_fewer_for_the_middle():
    assert len(network(32, 0, 32)) == 191
    assert len(network(32, 15, 17)) < 191


def test_rules_leave_their_input_as_it_is():
    rows = torch.randn(5, 9)
    before = rows.clone()
    coordinate_median(rows, 0)
    trimmed_mean(rows, 1)
    assert torch.equal(rows, before)


@pytest.mark.parametrize("n", [1, 2, 7, 32])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_kernel_has_the_bits_of_numpy(n, dtype):
    """Numbers of all sizes, so that another order of a sum shows; numpy computes what is small."""
    pytest.importorskip("numba")
    kernel, low, high = compiled(sort_columns), n // 4, n - n // 4
    generator = np.random.default_rng(n)
    rows = (generator.standard_normal((n, 3 * BLOCK + 5)) * 2.0 ** generator.integers(-9, 9, (n, 1))).astype(dtype)
    table, wanted, start = np.array(network(n, low, high), np.uint64).reshape(-1, 2), (low, high), 7
    ordered, mean = (np.empty((count, rows.shape[1] - start), dtype) for count in (high - low, 1))
    kernel(rows, start, table, wanted, dtype(0), ordered)
    kernel(rows, start, table, wanted, dtype(high - low), mean)
    assert np.array_equal(ordered, np.sort(rows, axis=0)[low:high, start:])
    assert np.array_equal(mean[0], mean_of_sorted(torch.from_numpy(rows), low, high).numpy()[start:])


@pytest.mark.parametrize("rule", [coordinate_median, trimmed_mean, mean_around_median])
def test_rules_have_the_same_bits_on_many_columns_and_on_few(rule):
    rows = torch.randn(9, LEAST // 9 + 1, generator=torch.Generator().manual_seed(9))
    parts = torch.split(rows, 50_000, dim=1)
    assert torch.equal(rule(rows, 2), torch.cat([rule(part, 2) for part in parts]))


@pytest.mark.parametrize("rule", [coordinate_median, trimmed_mean])
@pytest.mark.parametrize("columns", [4, LEAST // 8])
def test_zeros_of_both_signs_give_positive_zeros_by_either_way(rule, columns):
    rows = torch.zeros(8, columns)
    rows[::2] = -0.0
    assert not torch.signbit(rule(rows, 2)).any()
    assert not torch.signbit(rule(-torch.zeros(8, columns), 2)).any()


@pytest.mark.parametrize(("n", "faults"), [(9, 4), (12, 3), (5, 0)])
def test_mean_around_median_is_that_of_the_nearest(n, faults):
    rows = torch.randn(n, 200, generator=torch.Generator().manual_seed(n)).double()
    middle = np.median(rows.numpy(), axis=0)
    order = np.argsort(np.abs(rows.numpy() - middle), axis=0)[: n - faults]
    expected = np.take_along_axis(rows.numpy(), order, axis=0).mean(axis=0)
    np.testing.assert_allclose(mean_around_median(rows, faults).numpy(), expected, rtol=1e-12, atol=1e-14)
