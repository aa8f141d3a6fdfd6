"""Sampling intervals from halves of both samples: coverage by simulation, and halves equal to the metrics of halves."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.metrics import prd
from pipeline.metrics.evaluation import half_samples
from pipeline.metrics.evaluation.half_samples import positive_ends, share_ends, split
from pipeline.metrics.neighbours import scores_of_halves, scores_without_each_real
from pipeline.metrics.neighbours.halves import Neighbourhoods
from pipeline.metrics.prdc import prdc


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_split_is_into_halves_and_the_seed_decides() -> None:
    real, fake = split(51, 40, seed=0, splits=30)
    assert real.sum(dim=1).eq(25).all()
    assert fake.sum(dim=1).eq(20).all()
    assert real.double().mean(dim=0).sub(0.5).abs().max() < 0.4
    assert torch.equal(real, split(51, 40, seed=0, splits=30).real)
    assert not torch.equal(real, split(51, 40, seed=1, splits=30).real)


@pytest.mark.parametrize("dims", [2, 30])
@pytest.mark.parametrize("far", [0.0, 100.0])
def test_scores_of_halves_are_the_metrics_of_halves(dims: int, far: float) -> None:
    real, fake = far + torch.randn(120, dims), far + 0.8 * torch.randn(90, dims)
    halves = split(120, 90, seed=0, splits=5)
    found = scores_of_halves(halves, real=real, fake=fake, neighbours=3, coverage_neighbours=5)
    for s in range(5):
        for half, (r, f) in enumerate(((halves.real[s], halves.fake[s]), (~halves.real[s], ~halves.fake[s]))):
            expected = prdc(real=real[r], fake=fake[f])
            assert [score[s, half].item() for score in found[:4]] == pytest.approx(list(expected))


def test_duplicates_in_halves_are_decided_as_by_the_metric() -> None:
    real, fake = torch.randint(2, (120, 20)).float(), torch.randint(2, (100, 20)).float()
    halves = split(120, 100, seed=0, splits=3)
    found = scores_of_halves(halves, real=real, fake=fake, neighbours=3, coverage_neighbours=5)
    for s in range(3):
        expected = prdc(real=real[halves.real[s]], fake=fake[halves.fake[s]])
        assert [score[s, 0].item() for score in found[:4]] == pytest.approx(list(expected))


def test_the_jackknife_of_density_is_that_of_all_samples_without_one_item() -> None:
    """On the real and on the fake side, by leaving out each item."""
    real, fake = torch.randn(40, 3), torch.randn(30, 3)

    def variance(values: list[float]) -> float:
        t = torch.tensor(values).double()
        return float((t - t.mean()).square().sum() * (len(t) - 1) / len(t))

    def density(real: Tensor, fake: Tensor) -> float:
        return prdc(real=real, fake=fake).density

    def without(x: Tensor, i: int) -> Tensor:
        return torch.cat([x[:i], x[i + 1 :]])

    expected = variance([density(without(real, i), fake) for i in range(40)])
    expected += variance([density(real, without(fake, j)) for j in range(30)])
    found = Neighbourhoods(real, fake, 3, 5)
    every = found.score(torch.ones(40, dtype=torch.bool), torch.ones(30, dtype=torch.bool))
    assert every.density_jackknife == pytest.approx(expected, rel=0.1)


def test_an_interval_of_a_share_is_wilsons_where_items_are_independent() -> None:
    """80 of 100: .711 to .867 with Student's quantile for 25 degrees of freedom."""
    low, high = share_ends(0.8, torch.full((10, 2), 0.8), 100)
    z = half_samples.Z
    for end in (low, high):
        assert abs(end - 0.8) == pytest.approx(z * math.sqrt(end * (1 - end) / 100), rel=1e-9)


def test_a_share_of_all_items_has_an_interval_that_ends_there() -> None:
    low, high = share_ends(1.0, torch.ones(10, 2), 250)
    assert high == 1
    assert low == pytest.approx(250 / (250 + half_samples.Z**2))


def test_a_share_that_all_items_are_in_is_less_certain_if_halves_differ() -> None:
    halves = torch.tensor([[1.0, 0.9], [0.95, 1.0], [1.0, 1.0]])
    assert share_ends(1.0, halves, 1000).low < share_ends(1.0, torch.ones(3, 2), 1000).low


def test_a_number_without_spread_has_no_interval() -> None:
    assert positive_ends(0.0, torch.zeros(10, 2)) is None


def test_a_number_below_its_standard_error_has_an_interval_from_zero() -> None:
    halves = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    low, high = positive_ends(1e-3, halves)
    assert (low, high) == (0, pytest.approx(1e-3 + half_samples.Z * 0.5))


def test_samples_too_small_to_be_halved_are_an_error() -> None:
    x = torch.randn(11, 2)
    assert not half_samples.enough(11, 5)
    with pytest.raises(ValueError, match="half of 11 points have no 5 neighbours each"):
        scores_of_halves(split(11, 11, seed=0), real=x, fake=x, neighbours=3, coverage_neighbours=5)


def test_no_page_says_that_an_interval_is_too_narrow() -> None:
    root = Path(__file__).parents[2]
    for path in [*(root / "docs").glob("*.md"), *(root / "pipeline").rglob("*.py")]:
        assert "up to a third" not in path.read_text(encoding="utf-8"), path


@pytest.mark.slow
@pytest.mark.parametrize(("dims", "scale", "shift"), [(2, 1.0, 0.0), (16, 1.0, 0.0), (16, 0.7, 0.0), (16, 1.0, 1.0)])
def test_an_interval_is_as_wide_as_the_metric_varies_over_new_samples(dims: int, scale: float, shift: float) -> None:
    """At n = 250: half widths over Z standard deviations. Shares near 1 may have wider ones, as Wilson's are.

    True coverage is measured by `benchmarks/intervals.py`, which takes more draws.
    """

    def draw() -> tuple[Tensor, Tensor]:
        return torch.randn(250, dims), scale * torch.randn(250, dims) + shift * torch.eye(dims)[0]

    every = torch.tensor([prdc(real=r, fake=f) for r, f in (draw() for _ in range(500))])
    widths = torch.zeros(4)
    for seed in range(30):
        real, fake = draw()
        value = prdc(real=real, fake=fake)
        found = scores_of_halves(
            split(250, 250, seed=seed, splits=60), real=real, fake=fake, neighbours=3, coverage_neighbours=5
        )
        ends = (
            share_ends(value.precision, found.precision, 250),
            share_ends(value.recall, found.recall, 250),
            positive_ends(value.density, found.density, ratio=found.density_ratio),
            share_ends(value.coverage, found.coverage, 250),
        )
        assert all(end is not None and end.low <= v <= end.high for end, v in zip(ends, value, strict=True))
        widths += torch.tensor([end.high - end.low for end in ends if end is not None]) / (2 * half_samples.Z * 30)
    ratio = widths / every.std(dim=0)
    assert ratio.min() > 0.88
    assert ratio[every.mean(dim=0) < 0.99].max() < 1.3


@pytest.mark.slow
def test_real_items_that_share_sources_make_intervals_as_wide_as_recall_varies() -> None:
    """250 items near 50 points. Without the sources the interval of recall is a quarter too narrow."""
    sources = (torch.arange(250) % 50)[:, None]

    def draw() -> tuple[Tensor, Tensor]:
        return torch.randn(50, 2)[sources[:, 0]] + 0.4 * torch.randn(250, 2), 0.5 * torch.randn(250, 2)

    sd = torch.tensor([prdc(real=r, fake=f).recall for r, f in (draw() for _ in range(300))]).std()
    widths = torch.zeros(2)
    for seed in range(12):
        real, fake = draw()
        value = prdc(real=real, fake=fake).recall
        settings = {"real": real, "fake": fake, "neighbours": 3, "coverage_neighbours": 5}
        recall = scores_of_halves(split(250, 250, seed=seed, splits=60), **settings).recall
        more = half_samples.variance_by_sources(scores_without_each_real(**settings)[1], sources)
        ends = [share_ends(value, recall, 250, more=added) for added in (0.0, more)]
        widths += torch.tensor([high - low for low, high in ends]) / (2 * half_samples.Z * 12)
    alone, shared = (widths / sd).tolist()
    assert alone < 0.85
    assert 0.88 < shared < 1.3


def test_intervals_of_f_scores_cover() -> None:
    def draw() -> tuple[Tensor, Tensor]:
        return torch.randn(250, 16), 0.7 * torch.randn(250, 16)

    drawn = [draw() for _ in range(40)]
    cells = [prd.cells(real=real, fake=fake) for real, fake in drawn]
    one = torch.ones(1, 250).double()
    values = [
        prd.prd([prd.shares(k, one) for k in c.real], [prd.shares(k, one) for k in c.fake]).f_recall.item()
        for c in cells
    ]
    expected, inside = sum(values) / len(values), 0
    for seed, (value, c) in enumerate(zip(values, cells, strict=True)):
        f = prd.of_halves(split(250, 250, seed=seed), c)
        low, high = share_ends(value, f.f_recall, 250, factor=prd.FIXED_CELLS)
        inside += low <= expected <= high
    assert inside / 40 > 0.95 - 3 * math.sqrt(0.95 * 0.05 / 40)
