"""Distances to neighbours and memberships do not depend on how the bounds are computed: in floats, or in int8."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pipeline.metrics.neighbours import distance_bounds, memberships, nearest, squared_radii
from pipeline.metrics.neighbours.int8 import multiplied_fast


def white() -> tuple[Tensor, Tensor]:
    return torch.randn(130, 300), 0.95 * torch.randn(90, 300)


def duplicates() -> tuple[Tensor, Tensor]:
    x = torch.randn(20, 300)
    return x.repeat(6, 1), x[:15].repeat(5, 1)


def lattice() -> tuple[Tensor, Tensor]:
    """Whole numbers of few values: many equal distances."""
    return torch.randint(2, (150, 300)).float(), torch.randint(2, (120, 300)).float()


@pytest.mark.skipif(not multiplied_fast(), reason="this CPU has no fast products of integers")
@pytest.mark.parametrize("data", [white, duplicates, lattice])
def test_int8_and_float_bounds_give_the_same_answers_on_ties_and_random_data(
    data: Callable[[], tuple[Tensor, Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    real, fake = data()
    found = []
    for fast in (False, True):
        monkeypatch.setattr(distance_bounds, "multiplied_fast", lambda fast=fast: fast)
        radii = squared_radii(real, (1, 3, 5))
        found.append((*radii, *memberships(real=real, fake=fake), nearest(fake, real, count=4)[0]))
    for floats, integers in zip(*found, strict=True):
        assert torch.equal(floats, integers)
