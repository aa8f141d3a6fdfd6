"""Laws of diffusion, against closed forms: the bound, its decoder, its schedules."""

from __future__ import annotations

import itertools
import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from toys import GREY, POINTS, build, condition, conditions

from pipeline.contract import Condition, Event, Task
from pipeline.families.diffusion.ddpm import DDPM, Decoder, Weighting, cosine_schedule, gamma_of_margin, linear_schedule
from pipeline.networks.condition import Context, encoder

SCHEDULES = {
    "cosine": cosine_schedule,
    "linear": linear_schedule,
    "shifted cosine": partial(cosine_schedule, shift=-4.0),
}
BITS = Event((1, 2, 2), levels=2)
IMAGES = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)


def free(event: Event) -> nn.Module:
    """The encoder of no condition."""
    return encoder(Condition(), event)


class GaussianNoise(nn.Module):
    """The best noise prediction when the data are N(0, v): E[eps | z_t] = sigma_t z / (alpha_t^2 v + sigma_t^2)."""

    def __init__(self, variance: float, gamma: Tensor) -> None:
        super().__init__()
        self.variance, self.gamma = variance, gamma

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        alpha2, sigma2 = signal_and_noise(self.gamma, t, z)
        return sigma2.sqrt() * z / (alpha2 * self.variance + sigma2)


class LevelNoise(nn.Module):
    """The best noise prediction when each value is -1 or 1 with probability 1/2: x_hat = tanh(alpha z / sigma^2)."""

    def __init__(self, gamma: Tensor) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        alpha2, sigma2 = signal_and_noise(self.gamma, t, z)
        return (z - alpha2.sqrt() * (alpha2.sqrt() * z / sigma2).tanh()) / sigma2.sqrt()


def signal_and_noise(gamma: Tensor, t: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """alpha^2 and sigma^2 at the network's time t (B,), to be broadcast with z."""
    now = (gamma[0] + t * (gamma[-1] - gamma[0])).view(-1, *[1] * (z.dim() - 1))
    return (-now).sigmoid(), now.sigmoid()


def gaussian_diffusion(variance: float, schedule: str, steps: int) -> DDPM:
    gamma = SCHEDULES[schedule](-9.0, 5.0, steps)
    event = Event((2,), scale=10)
    return DDPM(event, free(event), GaussianNoise(variance, gamma), gamma, drop=0.1, weighting="vlb").eval()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("variance", [0.25, 2.0])
def test_the_bound_of_a_gaussian_rises_to_its_entropy_as_steps_grow(variance: float, schedule: str) -> None:
    """Each step of a Gaussian's reverse is Gaussian: with calibrated variances few steps are as good as many."""
    x, c = math.sqrt(variance) * torch.randn(4000, 2), torch.empty(4000, 0)
    log_p = Normal(0.0, math.sqrt(variance)).log_prob(x).sum(-1).mean().item()
    few, some, many = (gaussian_diffusion(variance, schedule, steps) for steps in (10, 40, 160))
    assert few.elbo(x, c).mean().item() == pytest.approx(log_p, abs=0.06)  # with the variances of the batch
    for model in (few, some, many):
        model.calibrated.fill_(True)  # r = 1
    bounds = [model.elbo(x, c).mean().item() for model in (few, some, many)]
    assert bounds == sorted(bounds)
    assert 3 * (log_p - bounds[2]) < log_p - bounds[1]  # the gap falls like 1 / T
    few.calibrate([(x, c)], [])
    assert few.elbo(x, c).mean().item() == pytest.approx(log_p, abs=0.06)  # 4,000 draws


def test_samples_of_a_gaussian_have_its_moments() -> None:
    model = gaussian_diffusion(2.0, "cosine", 100)
    x = model.sample(torch.empty(20000, 0))
    assert torch.allclose(x.mean(0), torch.zeros(2), atol=0.05)
    assert torch.allclose(x.T.cov(), 2 * torch.eye(2), atol=0.1)


def test_calibrated_variances_tighten_the_bound() -> None:
    model = build("diffusion", "ddpm", Task("t", POINTS), steps=20).eval()
    x, c = torch.randn(1000, 2), torch.empty(1000, 0)
    before = model.elbo(x, c).mean()
    model.calibrate([(x, c)], [])
    assert model.elbo(x, c).mean() > before


def test_the_bound_is_on_a_mass() -> None:
    """Summed over all images, exp(mean bound) stays below one, and comes close to it with the best network."""
    gamma = cosine_schedule(gamma_of_margin(BITS, 5), 5, 200)
    model = DDPM(BITS, free(BITS), LevelNoise(gamma), gamma, drop=0.1, weighting="vlb").eval()
    model.calibrate([(IMAGES.repeat(100, 1, 1, 1), torch.empty(1600, 0))], [])
    bound = model.elbo(IMAGES.repeat_interleave(500, 0), torch.empty(8000, 0)).view(16, 500).mean(1)
    assert 0.8 < bound.exp().sum().item() <= 1


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_the_reconstruction_sums_to_one_over_the_levels(levels: int) -> None:
    event = Event((1, 8, 8), levels=levels)
    mean = 3 * torch.randn(500, 1, dtype=torch.float64)
    values = torch.linspace(-1, 1, levels, dtype=torch.float64)[None]
    for s in (0.2 / levels, 1 / levels, 1.0):
        mass = Decoder(event).log_mass(values, mean, torch.tensor(s, dtype=torch.float64)).exp().sum(1)
        assert torch.allclose(mass, torch.ones(500, dtype=torch.float64), atol=1e-6)


def test_the_decoder_draws_from_its_mass() -> None:
    event, gamma = Event((1, 1, 1), levels=5), torch.tensor(-2.0)
    z = torch.full((40000, 1, 1, 1), 0.3)
    drawn = event.index(Decoder(event).draw(z, gamma)).flatten().bincount(minlength=5) / len(z)
    mean, s = z[0, 0, 0] / (-gamma).sigmoid().sqrt(), (gamma / 2).exp()
    mass = Decoder(event).log_mass(event.value(torch.arange(5)), mean, s).exp()
    assert torch.allclose(drawn, mass, atol=0.01)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_rises_between_its_ends(schedule: str) -> None:
    gamma = SCHEDULES[schedule](-8.0, 5.0, 100)
    assert len(gamma) == 101
    assert (gamma.diff() > 0).all()
    assert gamma[[0, -1]].tolist() == pytest.approx([-8, 5], abs=1e-5)


def test_the_cosine_is_the_papers() -> None:
    """alpha_bar = cos^2(pi/2 (t/T + s)/(1 + s)) with s = 0.008 (arXiv:2102.09672, eq. 17, before its normalisation)."""
    offset, steps = 0.008, 50
    gamma = cosine_schedule(2 * math.log(math.tan(offset / (1 + offset) * math.pi / 2)), 60.0, steps)
    t = torch.arange(steps + 1) / steps
    assert torch.allclose((-gamma).sigmoid(), ((t + offset) / (1 + offset) * math.pi / 2).cos().square(), atol=1e-6)


@pytest.mark.parametrize("weighting", ["simple", "vlb"])
def test_steps_are_trained_on_in_proportion_to_their_weight(weighting: Weighting) -> None:
    gamma = cosine_schedule(-8.0, 5.0, 20)
    model = DDPM(POINTS, free(POINTS), nn.Identity(), gamma, drop=0.1, weighting=weighting)
    t = model.random_steps(100000)
    weight = torch.expm1(gamma.diff()) if weighting == "vlb" else torch.ones(20)
    assert torch.allclose(t.bincount(minlength=21)[1:] / len(t), weight / weight.sum(), atol=1e-4)


def test_holding_x_within_the_datas_range_never_loosens_the_bound() -> None:
    model = build("diffusion", "ddpm", Task("t", GREY)).eval()
    model.calibrated.fill_(True)  # r = 1
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    x, c = GREY.value(torch.randint(5, (64, 1, 8, 8))), torch.empty(64, 0)
    draws = []
    for reach in (1.0, math.inf):
        torch.manual_seed(1)
        model.limit = reach
        draws.append(model.elbo(x, c))
    assert (draws[0] >= draws[1] * (1 + 1e-5)).all()
    assert draws[0].mean() > draws[1].mean()


def test_a_network_that_runs_away_still_gives_finite_samples() -> None:
    model = build("diffusion", "ddpm", Task("t", POINTS), steps=100).eval()
    for parameter in model.network.parameters():
        nn.init.normal_(parameter, std=3.0)
    assert model.sample(torch.empty(100, 0)).isfinite().all()


@pytest.mark.parametrize(("size", "halvings"), [(8, 1), (8, 3), (16, 2), (28, 2), (32, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_unet_keeps_the_images_shape(size: int, halvings: int, channels: int) -> None:
    event = Event((channels, size, size), levels=256)
    task = Task("t", event, condition("segmentation", event))
    model = build("diffusion", "ddpm", task, halvings=halvings, heads=2)
    z = torch.randn(2, *event.shape)
    assert model.network(z, torch.rand(2), model.condition(conditions(task, 2))).shape == z.shape


def test_a_unet_refuses_what_it_cannot_halve() -> None:
    with pytest.raises(ValueError, match="28 x 28 cannot be halved 3 times"):
        build("diffusion", "ddpm", Task("t", Event((1, 28, 28), levels=2)), halvings=3)
