"""The sampling interval: coverage by simulation, and the same numbers as the metrics on every resample."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.metrics import frechet as frechet_module
from pipeline.metrics import kid as kid_module
from pipeline.metrics.evaluation import bootstrap as bootstrap_module
from pipeline.metrics.evaluation.bootstrap import Bootstrap, Ends, ends, inflation
from pipeline.metrics.frechet import frechet
from pipeline.metrics.kid import kid

DISTANCES = {"frechet": (frechet, frechet_module.influences), "kid": (kid, kid_module.influences)}
MODULES = {"frechet": frechet_module, "kid": kid_module}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def interval(drawn: Bootstrap, side: str, values: torch.Tensor) -> Ends:
    """Of their mean."""
    return ends(drawn.means(side, values), float(values.mean()))


def test_a_resample_holds_as_many_items_as_there_are() -> None:
    counts = Bootstrap(0).counts("real", 70)
    assert counts.shape == (1000, 70)
    assert (counts.sum(dim=1) == 70).all()
    assert counts.mean() == 1
    assert not torch.equal(counts, Bootstrap(0).counts("fake", 70))
    assert torch.equal(counts, Bootstrap(0).counts("real", 70))


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(300):
        low, high = interval(Bootstrap(seed, 300), "fake", torch.empty(100).exponential_())
        inside += low <= 1 <= high
    assert inside / 300 == pytest.approx(0.95, abs=0.015 + 3 * math.sqrt(0.95 * 0.05 / 300))


@pytest.mark.parametrize("metric", DISTANCES)
@pytest.mark.parametrize(("dims", "shift"), [(4, 0.5), (16, 0.0), (16, 0.5)])
def test_a_distance_between_resamples_spreads_as_between_samples(metric: str, dims: int, shift: float) -> None:
    """By no less, and at most by two thirds more, where the two are equal."""

    def pair() -> dict[str, torch.Tensor]:
        return {"real": torch.randn(200, dims), "fake": torch.randn(200, dims) + shift}

    single, _ = DISTANCES[metric]
    true = torch.tensor([single(**pair()) for _ in range(200)]).std().item()
    found = [MODULES[metric].resampled(Bootstrap(seed, 300), **pair()).std().item() for seed in range(30)]
    assert 0.8 < sum(found) / 30 / true < (1.2 if shift else 1.75)


@pytest.mark.parametrize("metric", DISTANCES)
@pytest.mark.parametrize("dims", [2, 12])
def test_an_influence_is_how_the_distance_moves_with_one_item_more(metric: str, dims: int) -> None:
    single = {"frechet": frechet, "kid": whole_kid}[metric]
    real, fake = torch.randn(2000, dims), 1.5 * torch.randn(2000, dims) + 1
    found = DISTANCES[metric][1](real, fake)[1]
    still = single(real=real, fake=fake)
    for item in range(3):
        more = torch.cat([fake, fake[item : item + 1]])
        moved = (single(real=real, fake=more) - still) * len(more)
        assert moved == pytest.approx((found[item] - found.mean()).item(), rel=0.1, abs=0.2)


def whole_kid(*, real: torch.Tensor, fake: torch.Tensor) -> float:
    """Of all items at once, by its definition."""

    def mean(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        k = (a.double() @ b.double().T / a.shape[1] + 1) ** 3
        return k.mean() if a is not b else (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))

    return (mean(real, real) + mean(fake, fake) - 2 * mean(real, fake)).item()


@pytest.mark.parametrize("metric", DISTANCES)
def test_a_sample_that_is_all_alike_has_ends(metric: str) -> None:
    pair = {"real": torch.randn(300, 80), "fake": torch.ones(300, 80)}
    assert MODULES[metric].resampled(Bootstrap(0), **pair).isfinite().all()


def test_more_items_make_it_narrower() -> None:
    few, many = (interval(Bootstrap(0), "real", torch.rand(n)) for n in (50, 5000))
    assert (many.high - many.low) < 0.2 * (few.high - few.low)


def test_resampled_histograms_are_those_of_resampled_items() -> None:
    """In mean and variance: n p and n p (1 - p), the items in no cell among them."""
    counts = torch.tensor([0, 10, 30, 50])
    found = Bootstrap(0, 20_000).histograms(counts, 100).double()
    p = counts / 100
    assert (found.sum(dim=1) <= 100).all()
    assert found.mean(dim=0).tolist() == pytest.approx((100 * p).tolist(), abs=0.2)
    assert found.var(dim=0).tolist() == pytest.approx((100 * p * (1 - p)).tolist(), rel=0.05)


def test_cells_that_were_missed_get_the_share_of_those_that_were_seen_once() -> None:
    found = Bootstrap(0, 20_000).histograms(torch.tensor([0, 0, 1, 1, 98]), 100).double().mean(dim=0)
    assert found[:2].tolist() == pytest.approx([1, 1], abs=0.05)
    assert found.sum().item() == pytest.approx(100)


def test_the_interval_of_modes_covers_what_such_samples_hit_on_average() -> None:
    """300 equal modes, 600 samples: 260 are hit."""
    average, inside = 300 * (1 - (1 - 1 / 300) ** 600), 0
    for seed in range(100):
        counts = torch.randint(300, (600,)).bincount(minlength=300)
        hit = (Bootstrap(seed, 300).histograms(counts, 600) > 0).sum(dim=1).double()
        low, high = ends(hit, float((counts > 0).sum()), 0, 300)
        inside += low <= average <= high
    assert inside >= 90


def test_an_end_stays_where_numbers_can_be() -> None:
    assert ends(torch.tensor([0.0, 1.0, 2.0, 3.0]).double(), 4, 0, 4).high == 4


def test_means_of_resamples_are_those_of_the_items_that_they_hold() -> None:
    values, drawn = torch.rand(50, 2), Bootstrap(0)
    by_hand = [(values.double() * c[:, None]).sum(dim=0) / 50 for c in drawn.counts("real", 50)]
    assert torch.allclose(drawn.means("real", values), torch.stack(by_hand))


@pytest.mark.parametrize(("between", "within"), [(1.0, 0.0), (1.0, 1.0), (1.0, 3.0), (0.0, 1.0)])
def test_the_interval_of_a_mean_covers_where_items_share_sources(between: float, within: float) -> None:
    """1,000 items of three of 250 sources each: within 93 and 97 %, but for the error of 300 simulations."""
    inside = 0
    for seed in range(300):
        sources = torch.randint(250, (1000, 3))
        x = between * torch.randn(250)[sources].sum(dim=1) + within * torch.randn(1000)
        low, high = ends(Bootstrap(seed, 300, sources=sources).means("real", x), float(x.mean()))
        inside += low <= 0 <= high
    assert inside / 300 == pytest.approx(0.95, abs=0.02 + 2 * math.sqrt(0.95 * 0.05 / 300))


def test_the_variance_with_shared_sources_is_the_true_one_on_average() -> None:
    """Of the mean of a_s1 + a_s2 + a_s3 + e, given the sources: sum over s of (items with s / n)², and 1 / n."""
    sources = torch.randint(250, (1000, 3))
    members = torch.zeros(1000, 250).scatter_add_(1, sources, torch.ones(1000, 3))
    true = float((members.sum(dim=0) / 1000).square().sum()) + 1 / 1000
    found = []
    for _ in range(200):
        x = (torch.randn(250)[sources].sum(dim=1) + torch.randn(1000))[:, None]
        found.append(float(inflation(x, sources)[0] * x.double().var(correction=0) / 1000))
    assert sum(found) / 200 == pytest.approx(true, rel=0.05)


def test_items_without_shared_sources_are_resampled_as_independent() -> None:
    x, sources = torch.rand(60), torch.arange(60)[:, None]
    alone, shared = (Bootstrap(0, sources=s).means("real", x) for s in (None, sources))
    assert torch.allclose(alone, shared, rtol=0.01)
    assert torch.equal(*(Bootstrap(0, sources=s).means("fake", x) for s in (None, sources)))


def test_resamples_do_not_depend_on_how_many_are_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Bootstrap(3, resamples=20).counts("fake", 17)
    monkeypatch.setattr(bootstrap_module, "BLOCK", 40)
    assert torch.equal(Bootstrap(3, resamples=20).counts("fake", 17), whole)
