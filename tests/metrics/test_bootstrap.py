"""The sampling interval: coverage by simulation, and the same numbers as the metrics on every resample."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.metrics import resampled
from pipeline.metrics.bootstrap import Bootstrap, ends
from pipeline.metrics.frechet import between, frechet
from pipeline.metrics.kernel import kernel
from pipeline.metrics.resampled import gaussians, influence, kernel_distances


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
    distance = between(gaussians(real, once), gaussians(fake, once))
    assert distance.item() == pytest.approx(frechet(real=real, fake=fake), rel=1e-5)
    squared = kernel_distances(real.double(), fake.double(), once, once)
    assert squared.item() == pytest.approx(kernel(real=real, fake=fake), rel=1e-5)


def test_counts_are_the_same_as_items_written_out() -> None:
    real, fake = torch.randn(40, 3), torch.randn(30, 3)
    rows = torch.randint(40, (40,))
    counts = rows.bincount(minlength=40).double()[None]
    found = between(gaussians(real, counts), gaussians(fake, torch.ones(1, 30).double()))
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
        drawn = pair()
        found = getattr(resampled, metric)(Bootstrap(seed, 300), **drawn)
        low, high = ends(found, single(**drawn))
        inside += low <= average <= high
    assert 0.88 < inside / 200 <= 1


def test_more_items_make_it_narrower() -> None:
    few, many = (Bootstrap(0).mean("real", torch.rand(n)) for n in (50, 5000))
    assert (many.high - many.low) < 0.2 * (few.high - few.low)


def test_resampled_histograms_are_those_of_resampled_items() -> None:
    """In mean and variance: n p and n p (1 - p)."""
    counts = torch.tensor([0, 10, 30, 60])
    found = Bootstrap(0, 20_000).histograms(counts).double()
    p = counts / 100
    assert (found.sum(dim=1) == 100).all()
    assert found.mean(dim=0).tolist() == pytest.approx((100 * p).tolist(), abs=0.2)
    assert found.var(dim=0).tolist() == pytest.approx((100 * p * (1 - p)).tolist(), rel=0.05)


def test_an_end_stays_where_numbers_can_be() -> None:
    assert ends(torch.tensor([0.0, 1.0, 2.0, 3.0]).double(), 4, 0, 4).high == 4


def test_the_interval_of_a_function_of_a_mean_is_that_function_of_the_resamples() -> None:
    values, drawn = torch.rand(50, 2), Bootstrap(0)
    found = drawn.mean("real", values, lambda mean: mean[..., 0] / mean[..., 1])
    by_hand = [(values[:, 0].double() @ c / (values[:, 1].double() @ c)).item() for c in drawn.counts("real", 50)]
    assert found == pytest.approx(ends(torch.tensor(by_hand).double(), (values.mean(0)[0] / values.mean(0)[1]).item()))


@pytest.mark.parametrize("dims", [2, 12])
def test_an_influence_is_how_the_distance_moves_with_the_weight_of_an_item(dims: int) -> None:
    """Beside the derivative by differences of weights."""
    real, fake, step = torch.randn(80, dims), 1.5 * torch.randn(60, dims) + 1, 1e-5
    once, ones = torch.ones(1, 60).double(), torch.ones(1, 80).double()
    slopes = []
    for item in range(5):
        more = once.clone()
        more[0, item] += 60 * step
        more *= 60 / more.sum()
        moved, still = (between(gaussians(real, ones), gaussians(fake, w)) for w in (more, once))
        slopes.append(((moved - still) / step).item())
    found = influence(fake, real)
    assert (found - found.mean())[:5].tolist() == pytest.approx(slopes, rel=0.05, abs=0.05)


def test_the_linear_interval_of_wide_features_is_that_of_the_whole_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"real": torch.randn(400, 8), "fake": 1.2 * torch.randn(400, 8) + 0.5}
    whole = resampled.frechet(Bootstrap(0), **pair).std().item()
    monkeypatch.setattr(resampled, "WIDEST", 1)
    assert resampled.frechet(Bootstrap(0), **pair).std().item() == pytest.approx(whole, rel=0.1)
