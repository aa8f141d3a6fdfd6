"""Covered modes: the truth covers all of them; noise, blur, a collapse and a mode of too few samples do not."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from pipeline.contract import Mixture
from pipeline.metrics.mode_coverage import Coverage, accepts, coverage, gate, median_radius
from pipeline.metrics.modes import Histogram, histogram, nearest_mode

CIRCLE = tuple((math.cos(2 * math.pi * k / 8), math.sin(2 * math.pi * k / 8)) for k in range(8))
LATTICE = tuple(itertools.product((-4.0, -2.0, 0.0, 2.0, 4.0), repeat=2))
TAIL = tuple(1 / (k + 1) / sum(1 / i for i in range(1, 9)) for k in range(8))
TRUTHS = {
    "ring": Mixture(CIRCLE, 0.01, (1 / 8,) * 8),
    "ring_wide": Mixture(CIRCLE, 0.1, (1 / 8,) * 8),
    "grid": Mixture(LATTICE, 0.05, (1 / 25,) * 25),
    "grid_wide": Mixture(LATTICE, 0.3, (1 / 25,) * 25),
    "ring_tail": Mixture(CIRCLE, 0.1, TAIL),
}
COUNT = 2500


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def draws(truth: Mixture, count: int = COUNT, wider: float = 1.0) -> Tensor:
    mode = torch.multinomial(torch.tensor(truth.weights), count, replacement=True)
    return torch.tensor(truth.means)[mode] + wider * truth.sigma * torch.randn(count, 2)


def covered(truth: Mixture, x: Tensor) -> Coverage:
    counted = histogram(truth, *nearest_mode(truth, x), within=median_radius(2))
    return coverage(counted, items=len(x), accepted=0.5)


@pytest.mark.parametrize("task", TRUTHS)
def test_the_truth_covers_every_mode_and_noise_none(task: str) -> None:
    """Noise as the control draws it: in the bounding box of the data, a quarter of its range wider on each side."""
    truth = TRUTHS[task]
    for _ in range(20):
        x = draws(truth)
        assert covered(truth, x).modes == len(truth.means)
        low, high = x.amin(0), x.amax(0)
        noise = low - 0.25 * (high - low) + 1.5 * (high - low) * torch.rand(COUNT, 2)
        assert covered(truth, noise).modes == 0


def test_a_mode_needs_a_quarter_of_its_expected_count() -> None:
    p = torch.tensor([0.5, 0.25, 0.25]).double()
    found = coverage(Histogram(p, torch.tensor([[50, 25, 25], [49, 25, 24], [0, 24, 800]])), items=800, accepted=0.5)
    assert found.modes.tolist() == [3, 1, 1]


def test_where_less_than_one_is_expected_one_sample_is_enough_and_none_is_not() -> None:
    p = torch.full((80,), 1 / 80).double()
    found = coverage(Histogram(p, torch.tensor([1, 0] * 40)), items=40, accepted=0.9)
    assert found.modes == 40


def test_a_dropped_mode_and_a_collapse_are_not_covered() -> None:
    truth = TRUTHS["ring_wide"]
    half = Mixture(truth.means[:4], truth.sigma, (0.25,) * 4)
    one = Mixture(truth.means[:1], truth.sigma, (1.0,))
    assert covered(truth, draws(half)).modes == 4
    assert covered(truth, draws(one)).modes == 1


@pytest.mark.parametrize(("wider", "modes"), [(0.5, 8), (1.5, 8), (2.0, 8), (3.0, 0)])
def test_modes_that_are_much_too_wide_are_not_covered(wider: float, modes: int) -> None:
    truth = TRUTHS["ring"]
    assert covered(truth, draws(truth, 20_000, wider)).modes == modes


def test_the_tail_is_covered_by_its_own_samples_alone() -> None:
    truth = TRUTHS["ring_tail"]
    head = Mixture(truth.means[:4], truth.sigma, tuple(w / sum(TAIL[:4]) for w in TAIL[:4]))
    assert covered(truth, draws(truth)).tail == 1
    assert covered(truth, draws(head)).tail == 0


@pytest.mark.parametrize("dims", [1, 2, 16])
def test_half_of_a_gaussian_lies_within_the_median_radius(dims: int) -> None:
    inside = torch.randn(40_000, dims).norm(dim=1) <= median_radius(dims)
    assert float(inside.double().mean()) == pytest.approx(0.5, abs=0.01)


def pictures(count: int) -> Tensor:
    """(N, 1, 8, 8): one of four quarters is bright, under some noise."""
    x = -torch.ones(count, 1, 8, 8)
    quarter = torch.arange(count) % 4
    for k, (row, column) in enumerate(itertools.product((0, 4), repeat=2)):
        x[quarter == k, :, row : row + 4, column : column + 4] = 1.0
    return x + 0.1 * torch.randn_like(x)


def confidence(x: Tensor) -> Tensor:
    """Of a judge that compares the brightness of the quarters."""
    return torch.nn.functional.avg_pool2d(x, 4).flatten(1).mul(10).softmax(dim=1).amax(dim=1)


def test_real_images_are_accepted_as_often_as_said_and_noise_and_blur_are_not() -> None:
    test, fresh = pictures(400), pictures(400)
    bounds = gate(test, confidence(test))
    assert 0.89 <= bounds.accepted <= 0.96

    def share(x: Tensor) -> float:
        return float(accepts(bounds, x=x, confidence=confidence(x), test=test).double().mean())

    assert share(fresh) == pytest.approx(bounds.accepted, abs=0.06)
    assert share(2 * torch.rand(400, 1, 8, 8) - 1) == 0
    assert share((pictures(400) + pictures(400).roll(1, dims=0)) / 2) == 0  # the mean of two of different quarters
