"""KL both ways: Monte Carlo against closed forms; histograms that bound from below, whatever the modes' overlap."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.contract import Mixture
from pipeline.metrics import divergence
from pipeline.metrics.divergence import cell, histogram_kl_pq, histogram_kl_qp, log_mass
from pipeline.metrics.modes import log_density


def ring(sigma: float) -> Mixture:
    angles = [2 * math.pi * k / 8 for k in range(8)]
    return Mixture(tuple((math.cos(a), math.sin(a)) for a in angles), sigma, (0.125,) * 8)


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


@pytest.mark.parametrize("truth", [NARROW, WIDE, BLURRED], ids=["narrow", "wide", "blurred"])
def test_the_truth_itself_scores_the_noise_of_counting(truth: Mixture) -> None:
    x = draws(truth, 2500)
    floor = (8 * divergence.SHELLS - 1) / (2 * 2500)
    assert -floor < histogram_kl_qp(truth=truth, fake=x) < floor
    assert -floor < histogram_kl_pq(truth=truth, fake=x) < floor


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 0.5), (0.0, 2.0), (1.5, 1.0), (3.0, 0.3), (40.0, 1.0)])
def test_histograms_bound_from_below(shift: float, scale: float) -> None:
    q = Mixture(((shift, 0.0),), scale, (1.0,))
    x, y = draws(ONE, 50_000), draws(q, 50_000)
    noise = 0.02
    forward = (log_density(ONE, x) - log_density(q, x)).mean().item()
    backward = (log_density(q, y) - log_density(ONE, y)).mean().item()
    assert 0 < histogram_kl_pq(truth=ONE, fake=y) < forward + noise
    assert 0 < histogram_kl_qp(truth=ONE, fake=y) < backward + noise


def test_a_dropped_mode_costs_covering_and_hardly_seeking() -> None:
    half = Mixture(WIDE.means[:4], WIDE.sigma, (0.25,) * 4)
    x = draws(half, 2500)
    assert histogram_kl_qp(truth=WIDE, fake=x) == pytest.approx(math.log(2), abs=0.03)
    assert histogram_kl_pq(truth=WIDE, fake=x) > 1.5


def test_samples_far_from_every_mode_cost_seeking_by_how_far() -> None:
    x = torch.cat([draws(NARROW, 1250), torch.zeros(1250, 2)])  # the centre is 100 sigma from every mode
    assert 0.5 * 0.5 * 64**2 - 2 < histogram_kl_qp(truth=NARROW, fake=x) < 0.5 * 0.5 * 100**2
    assert histogram_kl_pq(truth=NARROW, fake=x) == pytest.approx(math.log(2), abs=0.05)


def test_every_place_has_a_cell() -> None:
    x = torch.tensor([[0.0, 0.0], [1e30, 0.0], [1.0, 0.0]])
    assert cell(NARROW, x).max() < len(log_mass(NARROW))
    assert math.isfinite(histogram_kl_qp(truth=NARROW, fake=x))


@pytest.mark.parametrize("modes", [8, 25])
def test_histograms_of_the_truth_are_lower_bounds_of_zero_on_average(modes: int) -> None:
    """The bias of a histogram's KL is subtracted: the truth does not score above 0."""
    angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
    means = (10 * torch.stack([angle.cos(), angle.sin()], dim=1)).tolist()
    truth = Mixture(tuple((x, y) for x, y in means), 0.1, (1 / modes,) * modes)
    found = []
    for seed in range(60):
        torch.manual_seed(seed)
        mode = torch.randint(modes, (2500,))
        fake = torch.tensor(means)[mode].double() + 0.1 * torch.randn(2500, 2).double()
        found.append([histogram_kl_pq(truth=truth, fake=fake), histogram_kl_qp(truth=truth, fake=fake)])
    estimates = torch.tensor(found)
    error = estimates.std(0) / math.sqrt(len(estimates))
    assert (estimates.mean(0) < 3 * error).all()
    assert (estimates.mean(0) > -0.003).all()
