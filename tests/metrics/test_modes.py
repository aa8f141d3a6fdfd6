"""Modes of a known mixture: hits, quality, histograms, density."""

import itertools
import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from pipeline.contract import Mixture
from pipeline.metrics.modes import (
    WITHIN,
    Histogram,
    Visits,
    expected_hits,
    histogram,
    kl,
    log_density,
    nearest_mode,
    rarefied,
    smooth,
    visits,
)

SQUARE = Mixture(means=((0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0)), sigma=0.1, weights=(0.1, 0.2, 0.3, 0.4))
MEANS = torch.tensor(SQUARE.means)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def visited(fake: torch.Tensor) -> Histogram:
    return histogram(SQUARE, *nearest_mode(SQUARE, fake))


def modes(fake: torch.Tensor) -> Visits:
    return visits(visited(fake))


def draws(count: int) -> torch.Tensor:
    mode = torch.multinomial(torch.tensor(SQUARE.weights), count, replacement=True)
    return MEANS[mode] + SQUARE.sigma * torch.randn(count, 2)


def test_the_truth_hits_every_mode_with_the_quality_of_theory() -> None:
    x = draws(20_000)
    found = modes(x)
    assert found.hit == 4
    assert (nearest_mode(SQUARE, x)[1] <= WITHIN).double().mean().item() == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert 0 < found.kl_pq < 1e-3
    assert 0 < found.kl_qp < 1e-3


def test_a_mode_is_hit_by_one_sample_within_three_sigma() -> None:
    inside, outside = MEANS[:1] + torch.tensor([0.29, 0.0]), MEANS[1:2] + torch.tensor([0.31, 0.0])
    assert modes(torch.cat([inside, outside])).hit == 1
    mode, radius = nearest_mode(SQUARE, torch.cat([inside, outside]))
    assert mode.tolist() == [0, 1]
    assert radius.tolist() == pytest.approx([2.9, 3.1], rel=1e-5)


def test_a_collapse_costs_what_the_smoothed_histogram_says() -> None:
    found = modes(MEANS[3:].repeat(100, 1))
    p, q = torch.tensor(SQUARE.weights, dtype=torch.float64), torch.tensor([0.5, 0.5, 0.5, 100.5]).double() / 102
    assert found.hit == 1
    assert found.kl_pq.item() == pytest.approx(float((p * (p / q).log()).sum()))
    assert found.kl_qp.item() == pytest.approx(float((q * (q / p).log()).sum()))


def test_the_tail_is_what_is_rarer_than_the_median_mode() -> None:
    """Of weights .1, .2, .3, .4 the first two."""
    assert modes(MEANS[2:]).tail_recall == 0
    assert modes(MEANS[1:]).tail_recall == 0.5
    assert modes(draws(1000)).tail_recall == 1


def test_low_quality_samples_do_not_count_in_the_histogram() -> None:
    near = draws(2000)
    both = torch.cat([near, MEANS[:1] + torch.full((5000, 2), 0.5)])
    assert modes(both).kl_pq == modes(near).kl_pq


def test_log_density_is_the_mixtures() -> None:
    oracle = MixtureSameFamily(
        Categorical(torch.tensor(SQUARE.weights, dtype=torch.float64)),
        Independent(Normal(MEANS.double(), torch.tensor(SQUARE.sigma, dtype=torch.float64)), 1),
    )
    x = torch.cat([draws(100), 5 * torch.randn(100, 2)])
    assert torch.allclose(log_density(SQUARE, x), oracle.log_prob(x.double()), rtol=1e-9)


def test_histograms_and_their_kl() -> None:
    assert smooth(torch.tensor([0, 3])).tolist() == [0.125, 0.875]
    p, q = torch.tensor([0.5, 0.5, 0.0]).double(), torch.tensor([0.25, 0.25, 0.5]).double()
    assert kl(p, q).item() == pytest.approx(math.log(2))
    assert kl(p, p) == 0


def test_many_histograms_at_once_are_each_by_itself() -> None:
    found = visited(draws(50))
    both = visits(found._replace(counts=torch.stack([found.counts, found.counts.flip(0)])))
    for one, pair in zip(visits(found), both, strict=True):
        assert one == pair[0]


def test_a_rarefied_count_is_the_mean_over_all_draws() -> None:
    """Of 7 samples, 4 and 2 in two of three modes and 1 in none, all sets of 3 are drawn."""
    mode = [0, 0, 0, 0, 1, 1, None]
    hits = [len({mode[i] for i in rows} - {None}) for rows in itertools.combinations(range(7), 3)]
    assert float(rarefied(torch.tensor([4, 2, 0]), 7, 3)) == pytest.approx(sum(hits) / len(hits))


def test_all_samples_hit_what_they_hit_and_one_hits_one_mode_at_most() -> None:
    counts = torch.tensor([[5, 3, 0, 1], [0, 0, 0, 9]])
    assert rarefied(counts, 9, 9).tolist() == pytest.approx([3, 1])
    assert rarefied(counts, 9, 1).tolist() == pytest.approx([1, 1])
    assert float(rarefied(torch.tensor([2, 1]), 10, 1)) == pytest.approx(0.3)


def test_what_the_truth_is_expected_to_hit_is_what_it_hits_on_average() -> None:
    p = torch.tensor(SQUARE.weights)
    found = [float(modes(draws(6)).hit) for _ in range(600)]
    assert sum(found) / 600 == pytest.approx(expected_hits(p, 6, 1 - math.exp(-4.5)), abs=0.1)
    many = [float(rarefied(visited(draws(200)).counts, 200, 6)) for _ in range(60)]
    assert sum(many) / 60 == pytest.approx(expected_hits(p, 6, 1 - math.exp(-4.5)), abs=0.05)


def test_a_uniform_sampler_hits_all_modes_with_many_samples_and_few_of_them_rarefied() -> None:
    noise = 6 * torch.rand(20_000, 2) - 1
    found = visited(noise)
    assert visits(found).hit == 4
    assert float(rarefied(found.counts, 20_000, 4)) < 0.2 < expected_hits(found.p, 4, 0.99) / 10
