"""Laws of the scores that a training measures on the validation split."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.training.validation import energy_coefficient


def normal(count: int, mean: float = 0.0) -> Tensor:
    return torch.randn(count, 2) + mean


def test_the_energy_coefficient_of_one_distribution_is_zero_on_average() -> None:
    torch.manual_seed(0)
    found = torch.stack([energy_coefficient(normal(50), normal(70)) for _ in range(400)])
    assert found.mean().abs() < 4 * found.std() / 20
    assert (found < 0).any()  # unbiased: of either sign


def test_it_grows_with_the_distance_of_the_means_to_one() -> None:
    torch.manual_seed(0)
    base = normal(500)
    found = [energy_coefficient(normal(500, mean), base).item() for mean in (0.0, 0.5, 2.0, 10.0, 1e4)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(1, abs=1e-3)


def test_it_depends_on_neither_scale_nor_place_nor_order() -> None:
    torch.manual_seed(0)
    x, y = normal(40), normal(60, 1.0)
    expected = energy_coefficient(x, y)
    torch.testing.assert_close(energy_coefficient(8 * x + 4, 8 * y + 4), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(energy_coefficient(y, x.flip(0)), expected)


def test_two_equal_points_are_at_no_distance() -> None:
    x = torch.ones(5, 3)
    assert energy_coefficient(x, x) == 0
    assert energy_coefficient(x, -x) == 1
