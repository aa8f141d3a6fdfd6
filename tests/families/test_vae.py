"""Laws of VAEs, autoencoders and diffusion, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence
from toys import GREY, POINTS, build

from pipeline.contract import Event, Task
from pipeline.families.likelihood import Gaussian
from pipeline.families.vae.vae import VAE
from pipeline.networks.condition import Context, encoder


def test_rate_is_the_kl_of_torch() -> None:
    model = build("vae", "vae", Task("t", POINTS))
    mean, log_sigma = torch.randn(5, 3), torch.randn(5, 3)
    q = Independent(Normal(mean, log_sigma.exp()), 1)
    p = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
    assert torch.allclose(model.rate(mean, log_sigma).sum(-1), kl_divergence(q, p), atol=1e-5)


def test_the_weights_mean_is_the_loss() -> None:
    """The sampled ELBO and the loss with its closed-form rate agree on average."""
    model = build("vae", "vae", Task("t", GREY)).eval()
    x, c = GREY.value(torch.randint(5, (64, 1, 8, 8))), torch.empty(64, 0)
    with torch.no_grad():
        loss = torch.stack([model.loss(x, c).total for _ in range(50)]).mean()
        elbo = torch.stack([model.elbo(x, c).mean() for _ in range(50)]).mean()
    assert -elbo.item() == pytest.approx(loss.item(), rel=2e-3)


class Affine(nn.Module):
    """A linear-Gaussian VAE's networks: (value, context) -> (value W, log sigma)."""

    def __init__(self, weight: Tensor, log_sigma: float) -> None:
        super().__init__()
        self.weight, self.log_sigma = weight, log_sigma

    def forward(self, value: Tensor, context: Context) -> Tensor:
        mean = value @ self.weight
        return torch.cat([mean, torch.full_like(mean, self.log_sigma)], dim=1)


def test_iwae_rises_to_the_closed_form_of_a_linear_gaussian_vae() -> None:
    """x = z W + s e has log p(x) = log N(x; 0, W^T W + s^2 I); the encoder is deliberately off."""
    event, weight = Event((2,)), torch.tensor([[0.9, 0.3], [-0.2, 0.7]])
    decoder, likelihood = Affine(weight, math.log(8) - 0.5), Gaussian(event)  # deviations start at scale / 8
    model = VAE(event, encoder(Task("t", event).condition, event), Affine(0.8 * weight.T, -0.7), decoder, likelihood, 2)
    truth = MultivariateNormal(torch.zeros(2), weight.T @ weight + math.exp(-1) * torch.eye(2))
    x, c = truth.sample((256,)), torch.empty(256, 0)
    log_w = torch.stack([model.log_weight(x, c) for _ in range(4096)])
    log_p = truth.log_prob(x).mean().item()
    bounds = [(log_w[:k].logsumexp(0) - math.log(k)).mean().item() for k in (1, 8, 64, 4096)]
    assert bounds == sorted(bounds)
    assert bounds[0] < log_p - 0.01
    assert bounds[-1] == pytest.approx(log_p, abs=0.01)


class GaussianNoise(nn.Module):
    """The best noise prediction when the data are N(0, s^2): E[eps | z_t] = sigma_t z / (alpha_t^2 s^2 + sigma_t^2)."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.variance = variance
        self.gamma = torch.empty(0)

    def forward(self, z: Tensor, t: Tensor, h: Tensor) -> Tensor:
        gamma = self.gamma[(t * (len(self.gamma) - 1)).round().long()][:, None]
        alpha2, sigma2 = (-gamma).sigmoid(), gamma.sigmoid()
        return sigma2.sqrt() * z / (alpha2 * self.variance + sigma2)


@pytest.mark.parametrize("variance", [0.25, 2.0])
def test_the_diffusion_bound_of_a_gaussian_is_its_entropy(variance: float) -> None:
    """With the best network, calibrated and with many steps, -VLB comes up to E log p from below."""
    model = build("diffusion", "ddpm", Task("t", POINTS), steps=400)
    model.network = GaussianNoise(variance)
    model.network.gamma = model.gamma
    x, c = math.sqrt(variance) * torch.randn(4000, 2), torch.empty(4000, 0)
    model.calibrate([(x, c)], [])
    log_p = Normal(0.0, math.sqrt(variance)).log_prob(x).sum(-1).mean().item()
    bound = model.elbo(x, c).mean().item()
    assert bound == pytest.approx(log_p, abs=0.06)
    assert bound < log_p + 0.02


def test_calibrated_variances_tighten_the_diffusion_bound() -> None:
    model = build("diffusion", "ddpm", Task("t", POINTS), steps=20)
    x, c = torch.randn(1000, 2), torch.empty(1000, 0)
    before = model.elbo(x, c).mean()
    model.calibrate([(x, c)], [])
    assert model.elbo(x, c).mean() > before


def test_an_autoencoders_codes_are_drawn_from_the_fitted_gaussian() -> None:
    model = build("autoencoder", "autoencoder", Task("t", POINTS)).eval()
    x, c = torch.randn(4000, 2), torch.empty(4000, 0)
    model.calibrate([(x, c)], [])
    codes = model.encode(x, c)
    assert torch.allclose(model.code_mean, codes.mean(0), atol=1e-5)
    assert torch.allclose(model.code_root @ model.code_root.T, codes.T.cov(), atol=1e-3)
