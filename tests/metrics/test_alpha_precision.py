"""Integrated alpha-precision and beta-recall: the definition on a fine grid, and closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.metrics.alpha_precision import curves, integrated, scores, without_each_real


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def on_a_grid(real: Tensor, fake: Tensor, steps: int = 4000) -> tuple[float, float]:
    """The definitions, with radii that are quantiles of distances, as sums over a grid of a and b."""
    real, fake = real.double(), fake.double()
    grid = (torch.arange(steps) + 0.5) / steps

    def quantiles(x: Tensor) -> Tensor:
        return x.sort().values[(grid * len(x)).ceil().long() - 1]

    centre, spread = real.mean(dim=0), (fake - fake.mean(dim=0)).norm(dim=1)
    inside = quantiles((real - centre).norm(dim=1))
    precision = ((fake - centre).norm(dim=1) <= inside[:, None]).double().mean(dim=1)
    pairs, own = torch.cdist(real, fake), torch.cdist(real, real).fill_diagonal_(torch.inf)
    near, index = pairs.min(dim=1)
    away = spread[index]
    recall = ((near <= own.amin(dim=1)) & (away <= quantiles(away)[:, None])).double().mean(dim=1)
    return tuple(float(1 - 2 * (curve - grid).abs().mean()) for curve in (precision, recall))


@pytest.mark.parametrize("dims", [1, 2, 20])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.6, 0.0), (1.0, 1.0), (3.0, 0.0)])
def test_equals_the_definition_on_a_fine_grid(dims: int, scale: float, shift: float) -> None:
    real, fake = torch.randn(90, dims), scale * torch.randn(70, dims) + shift
    assert scores(real, fake) == pytest.approx(on_a_grid(real, fake), abs=1e-3)


def test_the_integral_of_a_step_function() -> None:
    assert integrated(torch.tensor([0.0, 0.0]).double()) == pytest.approx(0)
    assert integrated(torch.tensor([1.0, 1.0]).double()) == pytest.approx(0)
    assert integrated(torch.tensor([0.5]).double()) == pytest.approx(0.5)
    assert integrated(torch.tensor([0.25, 0.75]).double()) == pytest.approx(0.75)
    steps = torch.arange(1, 101).double() / 100
    assert integrated(steps) == pytest.approx(1 - 1 / 100)


def test_identical_samples_and_identical_distributions() -> None:
    x = torch.randn(400, 5)
    assert scores(x, x) == pytest.approx((1 - 1 / 400, 1 - 1 / 400))
    found = scores(x, torch.randn(400, 5))
    assert found[0] > 0.9
    assert found[1] == pytest.approx(0.5, abs=0.08)


def test_far_samples_and_samples_in_the_mean_score_nothing() -> None:
    real = torch.randn(200, 4)
    assert scores(real, 100 + torch.randn(150, 4)) == pytest.approx((0, 0), abs=0.01)
    centre = real.mean(dim=0) + 1e-6 * torch.randn(150, 4)
    assert scores(real, centre)[0] == pytest.approx(0, abs=0.02)
    assert scores(real, centre)[1] < 0.05


def test_they_do_not_depend_on_order_place_unit_or_direction() -> None:
    real, fake = torch.randn(90, 5).double(), 1.2 * torch.randn(80, 5).double()
    turned = torch.linalg.qr(torch.randn(5, 5).double()).Q
    moved = [7 * x[torch.randperm(len(x))] @ turned + 3 for x in (real, fake)]
    assert scores(*moved) == pytest.approx(scores(real, fake), abs=1e-9)


def test_equal_distances_are_inside_together() -> None:
    """On a lattice many distances tie: the curves are those of the last of each group."""
    real, fake = torch.randint(3, (60, 2)).float(), torch.randint(3, (50, 2)).float()
    assert scores(real, fake) == pytest.approx(on_a_grid(real, fake), abs=1e-3)
    found = curves(real=real, fake=fake)
    assert all(bool((curve.diff() >= 0).all()) for curve in found)


def test_an_item_less_moves_the_scores_by_little_and_in_the_mean_not_at_all() -> None:
    real, fake = torch.randn(60, 3), torch.randn(60, 3)
    for whole, without in zip(scores(real, fake), without_each_real(real=real, fake=fake), strict=True):
        assert without.shape == (60,)
        assert float((without - whole).abs().max()) < 3 / 60
        assert float(without.mean()) == pytest.approx(whole, abs=1 / 60)


def test_one_real_item_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 points have no 1 neighbours"):
        scores(torch.randn(1, 2), torch.randn(5, 2))
