"""KL both ways: Monte Carlo against closed forms; histograms that bound from below, whatever the modes' overlap."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from pipeline.contract import Mixture
from pipeline.metrics import divergence
from pipeline.metrics.divergence import cell, histogram, histogram_kl_pq, histogram_kl_qp, log_mass
from pipeline.metrics.evaluation.bootstrap import Bootstrap, ends
from pipeline.metrics.modes import log_density


def ring(sigma: float) -> Mixture:
    angles = [2 * math.pi * k / 8 for k in range(8)]
    return Mixture(tuple((math.cos(a), math.sin(a)) for a in angles), sigma, (0.125,) * 8)


def lattice(sigma: float) -> Mixture:
    line = (-4.0, -2.0, 0.0, 2.0, 4.0)
    return Mixture(tuple(itertools.product(line, line)), sigma, (1 / 25,) * 25)


ONE = Mixture(((0.0, 0.0),), 1.0, (1.0,))
NARROW, WIDE, BLURRED = ring(0.01), ring(0.1), ring(0.3)


def draws(truth: Mixture, count: int) -> Tensor:
    mode = torch.multinomial(torch.tensor(truth.weights), count, replacement=True)
    return torch.tensor(truth.means)[mode] + truth.sigma * torch.randn(count, 2)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_monte_carlo_is_the_closed_form_of_two_gaussians() -> None:
    p, q, s = ONE, Mixture(((1.0, 0.0),), 2.0, (1.0,)), 4.0
    x, y = draws(p, 100_000), draws(q, 100_000)
    forward = (log_density(p, x) - log_density(q, x)).mean().item()
    backward = (log_density(q, y) - log_density(p, y)).mean().item()
    assert forward == pytest.approx(math.log(s) + (1 / s - 1) + 1 / (2 * s), abs=0.02)
    assert backward == pytest.approx(-math.log(s) + (s - 1) + 1 / 2, abs=0.03)


@pytest.mark.parametrize("truth", [NARROW, WIDE, BLURRED], ids=["narrow", "wide", "blurred"])
def test_mass_of_each_cell_is_its_frequency(truth: Mixture) -> None:
    p = log_mass(truth).exp()
    n = 400_000
    frequency = torch.bincount(cell(truth, draws(truth, n)), minlength=len(p)) / n
    near = 8 * divergence.SHELLS
    assert float(p[:near].sum()) == pytest.approx(1, abs=1e-9)
    spread = (p[:near] / n).sqrt()
    last = torch.arange(near) % divergence.SHELLS == divergence.SHELLS - 1  # it also answers for the far tail
    assert ((frequency[:near] - p[:near]).abs() < 5 * spread + torch.where(last, 4e-4, 1e-5)).all()
    assert (frequency[near:] <= p[near:] + 5 * (p[near:] / n).sqrt()).all()


def test_cells_of_modes_that_lie_apart_have_equal_mass() -> None:
    p = log_mass(NARROW).exp()[: 8 * divergence.SHELLS]
    assert torch.allclose(p, torch.full_like(p, 1 / (8 * divergence.SHELLS)))


def bounds(truth: Mixture, fake: Tensor) -> tuple[float, float]:
    """On KL(p || q) and KL(q || p)."""
    counts = histogram(truth, fake)
    return float(histogram_kl_pq(truth=truth, counts=counts)), float(histogram_kl_qp(truth=truth, counts=counts))


TRUTHS = {
    "ring": NARROW,
    "grid": lattice(0.05),
    "grid_wide": lattice(0.3),
    "ring_tail": Mixture(
        WIDE.means, WIDE.sigma, tuple(1 / (k + 1) / sum(1 / i for i in range(1, 9)) for k in range(8))
    ),
}


@pytest.mark.parametrize("task", TRUTHS)
def test_the_bound_of_the_truth_itself_is_not_above_zero(task: str) -> None:
    """In the mean over 100 samples of 2,500, as they are scored, within the Monte-Carlo error."""
    found = torch.tensor([bounds(TRUTHS[task], draws(TRUTHS[task], 2500)) for _ in range(100)], dtype=torch.float64)
    mean, error = found.mean(dim=0), found.std(dim=0) / 10
    assert (mean <= 3 * error).all()
    assert (mean > -0.005).all()  # nor is much given away


def test_terms_of_a_cell_are_bounds_in_expectation_whatever_its_mean_count() -> None:
    """E[h(N)] <= l log l and E[log(N + a)] >= log l, summed over Poisson probabilities."""
    n, mean = torch.arange(400), torch.logspace(-6, 2, 200, dtype=torch.float64)[:, None]
    p = torch.exp(torch.special.xlogy(n, mean) - mean - torch.lgamma(n.double() + 1))
    h, logarithm = divergence.entropy_term(n), (n + divergence.ADDED).log()
    assert ((p * h).sum(dim=1) <= torch.special.xlogy(mean, mean)[:, 0] + 1e-9).all()
    assert ((p * logarithm).sum(dim=1) >= mean.log()[:, 0] - 1e-9).all()


def test_the_interval_of_a_bound_starts_below_the_histograms_kl() -> None:
    """q has the first mode twice as often: KL(q || p) of the histograms is that of the weights, as is KL(p || q)."""
    weights = (2 / 9,) + (1 / 9,) * 7
    q, p = torch.tensor(weights).double(), torch.full((8,), 1 / 8).double()
    exact = float((p * (p / q).log()).sum()), float((q * (q / p).log()).sum())
    below = torch.zeros(2)
    for seed in range(60):
        counts = histogram(NARROW, draws(Mixture(NARROW.means, NARROW.sigma, weights), 2500))
        resampled = Bootstrap(seed, 300).histograms(counts, 2500)
        for k, bound in enumerate((histogram_kl_pq, histogram_kl_qp)):
            value = float(bound(truth=NARROW, counts=counts))
            below[k] += ends(bound(truth=NARROW, counts=resampled), value).low <= exact[k]
    assert (below >= 54).all()


def test_bounds_of_many_histograms_are_those_of_each() -> None:
    counts = torch.stack([histogram(WIDE, draws(WIDE, 500)) for _ in range(3)])
    for bound in (histogram_kl_pq, histogram_kl_qp):
        assert bound(truth=WIDE, counts=counts).tolist() == [float(bound(truth=WIDE, counts=c)) for c in counts]


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 0.5), (0.0, 2.0), (1.5, 1.0), (3.0, 0.3), (40.0, 1.0)])
def test_histograms_bound_from_below(shift: float, scale: float) -> None:
    q = Mixture(((shift, 0.0),), scale, (1.0,))
    x, y = draws(ONE, 50_000), draws(q, 50_000)
    noise = 0.02
    forward = (log_density(ONE, x) - log_density(q, x)).mean().item()
    backward = (log_density(q, y) - log_density(ONE, y)).mean().item()
    covering, seeking = bounds(ONE, y)
    assert 0 < covering < forward + noise
    assert 0 < seeking < backward + noise


def test_a_dropped_mode_costs_covering_and_hardly_seeking() -> None:
    half = Mixture(WIDE.means[:4], WIDE.sigma, (0.25,) * 4)
    x = draws(half, 2500)
    covering, seeking = bounds(WIDE, x)
    assert seeking == pytest.approx(math.log(2), abs=0.03)
    assert covering > 1.5


def test_samples_far_from_every_mode_cost_seeking_by_how_far() -> None:
    x = torch.cat([draws(NARROW, 1250), torch.zeros(1250, 2)])  # the centre is 100 sigma from every mode
    covering, seeking = bounds(NARROW, x)
    assert 0.5 * 0.5 * 64**2 - 2 < seeking < 0.5 * 0.5 * 100**2
    assert covering == pytest.approx(math.log(2), abs=0.05)


def test_every_place_has_a_cell() -> None:
    x = torch.tensor([[0.0, 0.0], [1e30, 0.0], [1.0, 0.0]])
    assert cell(NARROW, x).max() < len(log_mass(NARROW))
    assert all(map(math.isfinite, bounds(NARROW, x)))
