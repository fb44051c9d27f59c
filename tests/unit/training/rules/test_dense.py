"""Inner products of plain vectors against float64, far from each other and near."""

import pytest
import torch

from r3mes_ray.training.rules.compiled import LEAST
from r3mes_ray.training.rules.dense import combine_rows, gram_of_rows

COLUMNS = 30_001


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gram_of_rows_is_that_of_float64(dtype):
    rows = torch.randn(12, COLUMNS, generator=torch.Generator().manual_seed(1)).to(dtype)
    exact = rows.double() @ rows.double().T
    within = 1e-6 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(gram_of_rows(rows), exact, rtol=0, atol=within * COLUMNS)


@pytest.mark.parametrize("distance", [0.0, 1e-5, 0.1])
def test_gram_of_near_rows_gives_their_distance(distance):
    """Two of twelve are near each other: their distance is the difference of numbers that agree in many digits."""
    rows = torch.randn(12, COLUMNS, generator=torch.Generator().manual_seed(2))
    rows[7] = rows[3] + distance * rows[5]
    rows[:3] = 0.0
    gram = gram_of_rows(rows)
    found = gram[3, 3] + gram[7, 7] - 2 * gram[3, 7]
    exact = (rows[3].double() - rows[7].double()).square().sum()
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-9 * COLUMNS)


def test_gram_of_a_row_of_zeros_and_of_rows_in_float16():
    rows = torch.randn(5, 4_000, generator=torch.Generator().manual_seed(3))
    rows[2] = 0.0
    torch.testing.assert_close(gram_of_rows(rows), rows.double() @ rows.double().T, rtol=0, atol=1e-2)
    half = rows.half()
    torch.testing.assert_close(gram_of_rows(half), half.double() @ half.double().T, rtol=1e-12, atol=1e-9)


def test_gram_of_rows_whose_squares_are_beyond_float32_is_finite():
    rows = torch.randn(12, COLUMNS, generator=torch.Generator().manual_seed(4))
    rows[5] *= 1e20
    exact = rows.double() @ rows.double().T
    torch.testing.assert_close(gram_of_rows(rows), exact, rtol=1e-9, atol=float(exact.max()) * 1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("columns", [7, LEAST // 2 + 5])
def test_weighted_sum_of_rows_is_that_of_float64_compiled_or_not(dtype, count, columns):
    rows = torch.randn(count, columns, generator=torch.Generator().manual_seed(5)).to(dtype)
    coefficients = [(-1.0) ** index / (index + 1) for index in range(count)]
    exact = torch.tensor(coefficients, dtype=torch.float64) @ rows.double()
    found = combine_rows(rows, tuple(coefficients))
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=2e-6 if dtype == torch.float32 else 1e-14)


def test_weighted_sum_has_the_same_bits_with_any_number_of_threads():
    rows = torch.randn(5, LEAST // 4, generator=torch.Generator().manual_seed(6))
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(combine_rows(rows, (0.1, 0.2, 0.0, 0.3, 0.4)))
    torch.set_num_threads(before)
    assert torch.equal(*found)


def test_weighted_sum_of_rows_that_do_not_lie_together():
    rows = torch.randn(LEAST // 4, 8, generator=torch.Generator().manual_seed(7)).T[::2]
    exact = torch.tensor([0.5, 0.25, 0.125, 0.125]) @ rows
    torch.testing.assert_close(combine_rows(rows, (0.5, 0.25, 0.125, 0.125)), exact)
