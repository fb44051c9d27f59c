"""The published path has the same bits in any library and is as good as LAPACK's, which is the oracle."""

import hashlib
import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.training.reproducible import balanced, product, root, row_sums, truncate_reproducibly
from r3mes_ray.training.reproducible.basis import eigen, start_block
from r3mes_ray.training.reproducible.integer import combine, gram
from r3mes_ray.training.truncation import truncate_lapack

MACHINES = [
    ("torch", "1", {"MKL_CBWR": "COMPATIBLE"}),
    ("torch", "2", {"MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "default"}),
    ("numpy", "1", {"OPENBLAS_CORETYPE": "Prescott", "OPENBLAS_NUM_THREADS": "1"}),
    ("numpy", "2", {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2", "NPY_DISABLE_CPU_FEATURES": "AVX2"}),
]


def test_aggregates_have_the_same_bits_with_other_libraries_threads_and_kernels():
    script = Path(__file__).parent / "recompute.py"
    running = [
        subprocess.Popen(
            [sys.executable, script, library, threads],
            env=os.environ | {"OMP_NUM_THREADS": threads} | machine,
            stdout=subprocess.PIPE,
            text=True,
        )
        for library, threads, machine in MACHINES
    ]
    digests = [process.communicate(timeout=300)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert len(digests[0]) == 64
    assert len(set(digests)) == 1, digests


def residual(cut, b, a):
    return float((b @ a - cut.b @ cut.a).square().sum())


def with_spectrum(sigma, shape, width, seed):
    """Factors (b, a) of a product with these singular values, in a random gauge."""
    generator = torch.Generator().manual_seed(seed)

    def orthonormal(size):
        return torch.linalg.qr(torch.randn(size, width, generator=generator, dtype=torch.float64))[0]

    turn = torch.randn(width, width, generator=generator, dtype=torch.float64)
    left, right = orthonormal(shape[0]), orthonormal(shape[1])
    return (left * sigma) @ turn, torch.linalg.solve(turn, right.T)


SPECTRA = {
    "flat": torch.ones(60, dtype=torch.float64),
    "slow": torch.arange(1, 61, dtype=torch.float64) ** -0.5,
    "just above the cut": torch.cat([torch.ones(8), torch.full((52,), 0.98)]).double(),
    "one spike": torch.cat([torch.ones(1), torch.full((59,), 1e-4)]).double(),
    "steep": 2.0 ** -torch.arange(60, dtype=torch.float64),
}


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("name", SPECTRA)
def test_truncation_is_within_a_thousandth_of_the_optimal_residual(name, dense):
    b, a = with_spectrum(SPECTRA[name], (300, 80), 60, 3)
    best = truncate_lapack(b, a, 8)
    ours = truncate_reproducibly(b @ a, None, 8) if dense else truncate_reproducibly(b, a, 8)
    optimum = residual(best, b, a)
    allowed = 1.004 if name == "just above the cut" else 1.001
    assert residual(ours, b, a) <= optimum * allowed + 1e-18
    assert ours.total_energy == pytest.approx(best.total_energy, rel=1e-9)
    assert ours.kept_energy == pytest.approx(best.kept_energy, rel=2e-2 if name == "just above the cut" else 1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 24), st.integers(1, 10), st.integers(2, 30), st.integers(2, 30))
def test_truncation_of_random_factors_is_as_good_as_lapack(seed, width, rank, rows, columns):
    generator = torch.Generator().manual_seed(seed)
    b = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    a = torch.randn(width, columns, generator=generator, dtype=torch.float64)
    ours = truncate_reproducibly(b, a, rank)
    assert (ours.b.shape, ours.a.shape) == ((rows, rank), (rank, columns))
    assert residual(ours, b, a) <= residual(truncate_lapack(b, a, rank), b, a) * 1.004 + 1e-9


def test_truncation_of_dependent_columns_is_exact_and_leaves_the_rest_zero():
    b, a = torch.ones(5, 1, dtype=torch.float64), torch.ones(1, 4, dtype=torch.float64)
    cut = truncate_reproducibly(torch.cat([b, b], 1), torch.cat([a, a]), 3)
    assert not cut.b[:, 1:].any()
    assert not cut.a[1:].any()
    assert (cut.b[:, 0] > 0).all()
    torch.testing.assert_close(cut.b @ cut.a, torch.full((5, 4), 2.0, dtype=torch.float64), rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(5, 0, 4), (5, 3, 4)])
def test_truncation_of_nothing_is_zero(shape):
    cut = truncate_reproducibly(torch.zeros(shape[0], shape[1]).double(), torch.zeros(shape[1], shape[2]).double(), 2)
    assert (cut.kept_energy, cut.total_energy, cut.b.shape) == (0.0, 0.0, (5, 2))
    assert not cut.b.any()
    assert not cut.a.any()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_truncation_of_what_is_not_finite_raises(value):
    with pytest.raises(ValueError, match="not finite"):
        truncate_reproducibly(torch.full((3, 2), value, dtype=torch.float64), torch.ones(2, 3).double(), 1)


def test_truncation_does_not_depend_on_a_gauge_of_powers_of_two():
    """(cB, A/c) of one update must not push the others' digits out."""
    generator = torch.Generator().manual_seed(2)
    b, a = torch.randn(20, 6, generator=generator).double(), torch.randn(6, 18, generator=generator).double()
    scale = torch.tensor([2.0**60, 1, 1, 2.0**-60, 1, 1]).double()
    one, two = truncate_reproducibly(b, a, 3), truncate_reproducibly(b * scale, a / scale[:, None], 3)
    assert torch.equal(one.b, two.b)
    assert torch.equal(one.a, two.a)


def test_truncation_of_literal_factors_has_the_published_values():
    cut = truncate_reproducibly(torch.tensor([[-3.0, 0.0], [0.0, 2.0]]).double(), torch.eye(2).double(), 1)
    torch.testing.assert_close(cut.b, torch.tensor([[3.0**0.5], [0.0]]).double())
    torch.testing.assert_close(cut.a, torch.tensor([[-(3.0**0.5), 0.0]]).double())
    assert (cut.kept_energy, cut.total_energy) == (pytest.approx(9.0), 13.0)


@pytest.mark.parametrize("shape", [(9, 14), (14, 9)])
def test_truncation_of_a_dense_matrix_is_that_of_its_factors(shape):
    """On the shorter side's inner products, whichever that is."""
    dense = torch.randn(*shape, generator=torch.Generator().manual_seed(6)).double()
    ours, best = truncate_reproducibly(dense, None, 4), truncate_lapack(dense, None, 4)
    torch.testing.assert_close(ours.b @ ours.a, best.b @ best.a, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.b, best.b, rtol=0, atol=1e-5)
    assert ours.total_energy == pytest.approx(float(dense.square().sum()), rel=1e-12)
    assert truncate_reproducibly(dense, None, 20).b.shape == (shape[0], 20)


@given(st.integers(0, 1000), st.integers(1, 300))
@settings(max_examples=20, deadline=None)
def test_product_equals_rational_arithmetic(seed, k):
    generator = np.random.default_rng(seed)
    a, b = generator.standard_normal((2, k)).astype(np.float32), generator.standard_normal((3, k)).astype(np.float32)
    found = product(torch.from_numpy(a).double(), torch.from_numpy(b).double())
    for i in range(2):
        for j in range(3):
            exact = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a[i], b[j], strict=True))
            assert abs(float(exact) - float(found[i, j])) <= 2.0**-38 * float(np.abs(a[i]).max() * np.abs(b[j]).max())


def test_product_of_a_ternary_matrix_is_right_to_the_last_bits():
    generator = torch.Generator().manual_seed(4)
    weight = torch.randint(-1, 2, (7, 50), generator=generator).double() * 0.0371
    b = torch.randn(4, 50, generator=generator).double()
    torch.testing.assert_close(product(weight, b), weight @ b.T, rtol=1e-13, atol=1e-13)


def test_product_of_a_kernel_that_sums_to_minus_zero_is_zero():
    """Libraries differ in the sign of a sum of zeros; it is a bit of what is published."""

    def negative(a, b):
        found = a @ b
        return torch.where(found == 0, -0.0, found)

    a, b = torch.tensor([[0.0, 0.0], [1.5, 2.0]]).double(), torch.tensor([[1.0, 3.0], [-4.0, 3.0]]).double()
    found = product(a, b, gemm=negative)
    assert found.tolist() == [[0.0, 0.0], [7.5, 0.0]]
    assert not found.signbit().any()


@pytest.mark.parametrize("size", [5, 256, 300])
def test_gram_in_blocks_is_the_product_with_itself(size):
    x = torch.randn(size, 40, generator=torch.Generator().manual_seed(size)).double()
    found = torch.empty(size, size, dtype=torch.float64)
    gram(x, torch.matmul, found)
    assert torch.equal(found, found.T)
    torch.testing.assert_close(found, x @ x.T, rtol=1e-10, atol=1e-10)


def test_combination_in_blocks_is_that_of_plain_float64():
    generator = torch.Generator().manual_seed(7)
    x, w = torch.randn(30, 600, generator=generator).double(), torch.randn(30, 4, generator=generator).double()
    torch.testing.assert_close(combine(x, w, torch.matmul), x.T @ w, rtol=1e-10, atol=1e-10)


def test_root_is_rounded_as_ieee_says():
    x = torch.rand(5000, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    assert root(x).tolist() == [math.sqrt(value) for value in x.tolist()]


def test_row_sums_do_not_depend_on_the_order():
    x = torch.randn(3, 1000, generator=torch.Generator().manual_seed(1)).double()
    assert torch.equal(row_sums(x), row_sums(x.flip(1)))
    torch.testing.assert_close(row_sums(x), x.sum(1), rtol=1e-12, atol=1e-12)
    assert row_sums(torch.tensor([[1e16, 1.0, -1e16]]).double()).tolist() == [1.0]


def test_balanced_factors_have_the_same_product_and_equal_sizes():
    b, a = balanced(torch.tensor([[3.0, 5.0]]).double(), torch.tensor([[1024.0], [0.0]]).double())
    assert (b.tolist(), a.tolist()) == ([[3072.0, 5.0]], [[1.0], [0.0]])


@pytest.mark.parametrize("size", [1, 2, 5, 32])
def test_jacobi_equals_the_spectrum(size):
    x = np.random.default_rng(size).standard_normal((size, size))
    matrix = x @ x.T
    values, vectors = eigen(matrix)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(vectors @ matrix @ vectors.T, np.diag(values), atol=1e-10 * values[0])


def test_start_block_is_what_the_hash_says():
    first = hashlib.sha256(b"r3mes/exact/v1" + bytes(8)).digest()[:8]
    assert start_block(2, 2).tolist() == (np.frombuffer(first, "<i2").reshape(2, 2).T / 32768).tolist()
