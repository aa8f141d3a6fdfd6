"""Vendi score: the effective number of different items."""

import pytest
import torch

from pipeline.metrics.vendi import cosine_vendi, rbf_vendi, vendi


@pytest.mark.parametrize(("count", "dims"), [(6, 8), (40, 8)])
def test_identical_items_count_once(count: int, dims: int) -> None:
    x = torch.randn(1, dims).repeat(count, 1)
    assert cosine_vendi(x) == pytest.approx(1)
    assert rbf_vendi(x, 0.5) == pytest.approx(1)


def test_orthogonal_items_count_each() -> None:
    assert cosine_vendi(3 * torch.eye(7)) == pytest.approx(7)
    assert rbf_vendi(100 * torch.eye(7), 1.0) == pytest.approx(7)


def test_two_groups_count_by_the_entropy_of_their_shares() -> None:
    x = torch.eye(2)[torch.tensor([0] * 9 + [1])]
    expected = torch.distributions.Categorical(torch.tensor([0.9, 0.1])).entropy().exp()
    assert cosine_vendi(x) == pytest.approx(float(expected))


def test_the_order_of_items_does_not_matter() -> None:
    x = torch.randn(50, 5, dtype=torch.float64)
    shuffled = x[torch.randperm(50)]
    assert cosine_vendi(shuffled) == pytest.approx(cosine_vendi(x))
    assert rbf_vendi(shuffled, 0.7) == pytest.approx(rbf_vendi(x, 0.7))


def test_both_gram_matrices_of_the_cosine_give_one_score() -> None:
    x = torch.nn.functional.normalize(torch.randn(30, 12, dtype=torch.float64), dim=1)
    assert cosine_vendi(x) == pytest.approx(vendi(x @ x.T))


def test_it_lies_between_one_and_the_number_of_items() -> None:
    assert 1 <= rbf_vendi(torch.randn(200, 2), 0.2) <= 200
