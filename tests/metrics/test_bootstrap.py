"""The sampling interval: coverage by simulation, and the same numbers as the metrics on every resample."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.metrics.bootstrap import Bootstrap, frechet_distances, kernel_distances, moments
from pipeline.metrics.frechet import frechet
from pipeline.metrics.kernel import kernel


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_resample_holds_as_many_items_as_there_are() -> None:
    counts = Bootstrap(0).counts("real", 70)
    assert counts.shape == (1000, 70)
    assert (counts.sum(dim=1) == 70).all()
    assert counts.mean() == 1
    assert not torch.equal(counts, Bootstrap(0).counts("fake", 70))
    assert torch.equal(counts, Bootstrap(0).counts("real", 70))


@pytest.mark.parametrize("dims", [1, 2, 16])
def test_every_item_once_is_the_metric_itself(dims: int) -> None:
    real, fake, once = torch.randn(60, dims), 1.5 * torch.randn(60, dims) + 1, torch.ones(1, 60).double()
    distance = frechet_distances(moments(real, once), moments(fake, once))
    assert distance.item() == pytest.approx(frechet(real=real, fake=fake), rel=1e-5)
    squared = kernel_distances(real.double(), fake.double(), once, once)
    assert squared.item() == pytest.approx(kernel(real=real, fake=fake), rel=1e-5)


def test_counts_are_the_same_as_items_written_out() -> None:
    real, fake = torch.randn(40, 3), torch.randn(30, 3)
    rows = torch.randint(40, (40,))
    counts = rows.bincount(minlength=40).double()[None]
    found = frechet_distances(moments(real, counts), moments(fake, torch.ones(1, 30).double()))
    assert found.item() == pytest.approx(frechet(real=real[rows], fake=fake), rel=1e-5)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(300):
        low, high = Bootstrap(seed, 300).mean("fake", torch.empty(100).exponential_())
        inside += low <= 1 <= high
    assert inside / 300 == pytest.approx(0.95, abs=0.015 + 3 * math.sqrt(0.95 * 0.05 / 300))


@pytest.mark.parametrize("metric", ["frechet", "kernel"])
def test_the_interval_of_a_distance_covers_what_such_samples_give_on_average(metric: str) -> None:
    """Of two Gaussians half a standard deviation apart, in four dimensions."""

    def pair() -> dict[str, torch.Tensor]:
        return {"real": torch.randn(120, 4), "fake": torch.randn(120, 4) + 0.5}

    single = {"frechet": frechet, "kernel": kernel}[metric]
    average = sum(single(**pair()) for _ in range(300)) / 300
    inside = 0
    for seed in range(200):
        low, high = getattr(Bootstrap(seed, 300), metric)(**pair())
        inside += low <= average <= high
    assert 0.88 < inside / 200 <= 1


def test_more_items_make_it_narrower() -> None:
    few, many = (Bootstrap(0).mean("real", torch.rand(n)) for n in (50, 5000))
    assert (many.high - many.low) < 0.2 * (few.high - few.low)
