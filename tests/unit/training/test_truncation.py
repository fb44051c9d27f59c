import torch

from r3mes_ray.training.truncation import truncate_lapack


def test_truncation_signs_make_the_largest_entry_of_each_column_positive():
    b = torch.tensor([[-3.0, 0.0], [1.0, 2.0]], dtype=torch.float64)
    cut = truncate_lapack(b, torch.eye(2, dtype=torch.float64), 2)
    largest = cut.b.gather(0, cut.b.abs().argmax(dim=0, keepdim=True))
    assert (largest > 0).all()
    torch.testing.assert_close(cut.b @ cut.a, b)


def test_truncation_of_a_smaller_rank_pads_with_zero_columns():
    b, a = torch.ones(5, 1, dtype=torch.float64), torch.ones(1, 4, dtype=torch.float64)
    cut = truncate_lapack(torch.cat([b, b], 1), torch.cat([a, a]), 3)
    assert cut.b.shape == (5, 3)
    assert cut.a.shape == (3, 4)
    assert not cut.b[:, 1:].any()
    torch.testing.assert_close(cut.b @ cut.a, torch.full((5, 4), 2.0, dtype=torch.float64))


def test_truncation_of_nothing_is_zero():
    cut = truncate_lapack(torch.zeros(5, 0, dtype=torch.float64), torch.zeros(0, 4, dtype=torch.float64), 2)
    assert (cut.kept_energy, cut.total_energy) == (0.0, 0.0)
    assert not cut.b.any()


def test_truncation_twice_gives_the_same_bits():
    torch.manual_seed(2)
    b, a = torch.randn(40, 12, dtype=torch.float64), torch.randn(12, 30, dtype=torch.float64)
    first, second = truncate_lapack(b, a, 5), truncate_lapack(b.clone(), a.clone(), 5)
    assert torch.equal(first.b, second.b)
    assert torch.equal(first.a, second.a)
