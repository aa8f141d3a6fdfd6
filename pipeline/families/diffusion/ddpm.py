"""Denoising diffusion: noise is added in T steps, and a network learns to take it away.

    q(z_t | x) = N(alpha_t x, sigma_t^2 I),   alpha^2 = sigmoid(-gamma),  sigma^2 = sigmoid(gamma)

with gamma = -log SNR rising linearly in t. The network predicts the noise, and p(z_s | z_t) = N(mean at the predicted
x, v_t I) for the step s before t. The bound on log p(x | c) is

    -VLB = E log p(x | z_0) - KL(q(z_T | x) || N(0, I)) - sum_t E KL(q(z_s | z_t, x) || p(z_s | z_t))
    KL_t = D/2 (log r - 1 + 1/r) + g |eps - eps_hat|^2 / (2 r),    g = e^(gamma_t - gamma_s) - 1,  r = v_t / v_q

with v_q the variance of q(z_s | z_t, x) and p(x | z_0) = N(z_0 / alpha_0, sigma_0^2 / alpha_0^2). The best r is
1 + g e_t, where e_t is the noise's mean squared error for each dimension: it is measured after training (Bao et al.
2022, arXiv:2201.06503), and r = 1 before. Training descends the squared error at a random step, scoring sums over all
of them. exp(-VLB draw) is no importance weight: Bounded only.
(Ho, Jain & Abbeel 2020, arXiv:2006.11239; Kingma et al. 2021, arXiv:2107.00630.)
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Bounded, Event, Loss, SinglePlayer
from pipeline.families.likelihood import LOG_2PI

CALIBRATION_BATCHES = 8  # each gives one error for each item and step: thousands for the mean of a step


class DDPM(SinglePlayer, Bounded):
    """Diffusion on points; `network`: (z (B, D), t (B,) in [0, 1], context) -> predicted noise (B, D)."""

    gamma: Tensor
    noise_error: Tensor
    """(T + 1,): e_t, the mean squared error of the predicted noise for each dimension; e_0 is not used."""

    def __init__(
        self, event: Event, condition: nn.Module, network: nn.Module, steps: int, gamma: tuple[float, float]
    ) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.steps = event, condition, network, steps
        self.register_buffer("gamma", torch.linspace(*gamma, steps + 1, dtype=torch.float64).float())
        self.register_buffer("noise_error", torch.zeros(steps + 1))

    def diffuse(self, x: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """z_t for x (B, D), step t (B,) long, noise eps (B, D)."""
        gamma = self.gamma[t][:, None]
        return (-gamma).sigmoid().sqrt() * x + gamma.sigmoid().sqrt() * eps

    def error(self, x: Tensor, c: Tensor, t: Tensor) -> Tensor:
        """(B,): |eps - eps_hat|^2 at step t (B,) long, one draw of the noise."""
        eps = torch.randn_like(x)
        return (eps - self.denoise(self.diffuse(x, t, eps), t, c)).square().flatten(1).sum(-1)

    def denoise(self, z: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """Predicted noise (B, D)."""
        eps: Tensor = self.network(z, t / self.steps, self.condition(c).flat())
        return eps

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        # one uniform offset, then evenly spread: every batch sees all noise levels (arXiv:2107.00630, appendix I.1)
        spread = (torch.rand(()) + torch.arange(len(x)) / len(x)) % 1
        error = self.error(x, c, 1 + (spread * self.steps).long().clamp(max=self.steps - 1)).mean()
        return Loss(error, {"noise_error": error})

    @torch.no_grad()
    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        batches = list(islice(train, CALIBRATION_BATCHES))
        for t in range(1, self.steps + 1):
            errors = [self.error(x, c, torch.full((len(x),), t)) for x, c in batches]
            self.noise_error[t] = torch.cat(errors).mean() / self.event.dims

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: every step, one draw of the noise at each."""
        denoising = x.new_zeros(len(x))
        for t in range(1, self.steps + 1):
            gain, spread = self._gain(t), self._spread(t)
            error = self.error(x, c, torch.full((len(x),), t))
            denoising = denoising + 0.5 * (gain / spread * error + self.event.dims * (spread.log() - 1 + 1 / spread))
        return self._reconstruction() - self._prior(x) - denoising

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = torch.randn(len(c), *self.event.shape)
        for t in range(self.steps, 0, -1):
            z = self._step_back(z, t, c)
        return z / (-self.gamma[0]).sigmoid().sqrt() + (self.gamma[0] / 2).exp() * torch.randn_like(z)  # p(x | z_0)

    def _step_back(self, z: Tensor, t: int, c: Tensor) -> Tensor:
        """Draw z_s given z_t (arXiv:2107.00630, eq. 33, with variance r times the posterior's)."""
        gamma_s, gamma_t = self.gamma[t - 1], self.gamma[t]
        gone = -torch.expm1(gamma_s - gamma_t)
        eps = self.denoise(z, torch.full((len(z),), t), c)
        ratio = ((-gamma_s).sigmoid() / (-gamma_t).sigmoid()).sqrt()
        mean = ratio * (z - gamma_t.sigmoid().sqrt() * gone * eps)
        return mean + (gamma_s.sigmoid() * gone * self._spread(t)).sqrt() * torch.randn_like(z)

    def _gain(self, t: int) -> Tensor:
        """g_t, ()."""
        return torch.expm1(self.gamma[t] - self.gamma[t - 1])

    def _spread(self, t: int) -> Tensor:
        """r_t, ()."""
        return 1 + self._gain(t) * self.noise_error[t]

    def _reconstruction(self) -> Tensor:
        """E log p(x | z_0), (): its noise is the decoder's own, so it does not depend on x."""
        return -0.5 * self.event.dims * (1 + LOG_2PI + self.gamma[0])

    def _prior(self, x: Tensor) -> Tensor:
        """KL(q(z_T | x) || N(0, I)), (B,)."""
        alpha2, sigma2 = (-self.gamma[-1]).sigmoid(), self.gamma[-1].sigmoid()
        return 0.5 * (alpha2 * x.square() + sigma2 - sigma2.log() - 1).flatten(1).sum(-1)
