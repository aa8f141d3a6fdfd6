"""Denoising diffusion: noise is added in T steps, and a network is trained to remove it.

    q(z_t | x) = N(alpha_t x, sigma_t^2 I),   alpha^2 = sigmoid(-gamma),  sigma^2 = sigmoid(gamma)

with gamma = -log SNR increasing in t. The network predicts the noise, and p(z_s | z_t) = N(mean at the predicted x,
v_t) for the step s before t. The bound on log p(x | c) is

    -VLB = E log p(x | z_0) - KL(q(z_T | x) || N(0, I)) - sum_t E KL(q(z_s | z_t, x) || p(z_s | z_t))
    KL_t = sum_i (log r - 1 + 1/r)/2 + g (eps - eps_hat)^2 / (2 r),    g = e^(gamma_t - gamma_s) - 1,  r = v_t / v_q

with v_q the variance of q(z_s | z_t, x). The optimal r of a value i is 1 + g e_ti, where e_ti is the mean squared error
of its predicted noise: it is measured after training (Bao et al. 2022, arXiv:2201.06503). Before, samples have r = 1,
and the bound has the r of the mean error of the batch's values at t, so that the validation scores of a training are on
the scale of the final bound. The predicted x is clamped to the range of the data, in the bound as in the sampler.
Training descends the squared error at random steps, scoring sums over all steps. exp(-VLB draw) is no importance
weight: the model is Bounded only.

p(x | z_0) is a Gaussian around z_0 / alpha_0 of the noise's own width s = sigma_0 / alpha_0: its density on points, on
levels its mass in each bin, the outermost bins unbounded, so that the bound is one on a probability mass and a draw is
the nearest level (Ho et al. 2020, eq. 13).

The schedule gamma_0 .. gamma_T goes from `low` to `high`:

    linear   gamma_t = low + (high - low) t / T                   (Kingma et al. 2021, fixed form)
    cosine   gamma_t = 2 log tan phi_t + shift,  phi_t linear     (Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17)

At shift 0 alpha_t = cos phi_t. The paper's cosine starts at the angle that its offset s = 0.008 gives (low = -8.8) and
ends at pi/2, where no signal is left; here both ends are given, so that z_0 resolves the levels and gamma_T is finite.
Most steps have gamma close to `shift`: a negative one moves them from coarse structure to the finer levels, which hold
most of the likelihood's bits (Hoogeboom et al. 2023, arXiv:2301.11093, eq. 4).

References:
    Ho, Jain & Abbeel 2020, arXiv:2006.11239; Kingma et al. 2021, arXiv:2107.00630.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Bounded, Event, Loss
from pipeline.distributions.likelihood import LOG_2PI
from pipeline.families.diffusion.guidance import Context, GuidedModel, scale_context
from pipeline.families.diffusion.training_times import evenly_spread

Weighting = Literal["simple", "vlb"]

CALIBRATION_BATCHES, CALIBRATION_ITEMS = (
    4,
    256,
)  # at least: with n items the error of a value's variance costs about 1 / 2 n nats at each step
CLAMP = 4  # times the largest training magnitude: beyond all data, and a bound for a diverging network


class DDPM(GuidedModel, Bounded):
    """Diffusion of points and of levels; `network` predicts the noise.

    `gamma` (T + 1,) is the schedule. The `weighting` "simple" trains on all steps equally often, "vlb" in proportion to
    their weight in the bound.
    """

    gamma: Tensor
    time: Tensor
    """(T + 1,): the network's input for t, gamma scaled to [0, 1], so that it is the same under every schedule."""
    noise_error: Tensor
    """(2, T + 1, *event): e_t, the mean squared error of each value's predicted noise, given the condition and without;
    e_0 is not used."""
    calibrated: Tensor
    """(): whether `noise_error` is measured."""

    def __init__(
        self, event: Event, condition: nn.Module, network: nn.Module, gamma: Tensor, drop: float, weighting: Weighting
    ) -> None:
        super().__init__(event, condition, network, drop)
        self.steps, self.weighting, self.decoder = len(gamma) - 1, weighting, Decoder(event)
        self.limit = CLAMP * event.scale if event.levels is None else 1.0
        self.register_buffer("gamma", gamma)
        self.register_buffer("time", (gamma - gamma[0]) / (gamma[-1] - gamma[0]), persistent=False)
        self.register_buffer("noise_error", torch.zeros(2, len(gamma), *event.shape))
        self.register_buffer("calibrated", torch.zeros((), dtype=torch.bool))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        t, eps = self.random_steps(len(x)), torch.randn_like(x)
        predicted = self.network(self.diffuse(x, t, eps), self.time[t], self.context(c))
        error = (eps - predicted).square().flatten(1).sum(-1).mean()
        return Loss(error, {"noise_error": error})

    def random_steps(self, count: int) -> Tensor:
        """(B,) long in 1 .. T: evenly spread after one uniform offset (arXiv:2107.00630, appendix I.1).

        The bound weighs the error of step t by g_t. Drawing t in proportion to g_t has the same expectation as
        multiplying by it, and less variance.
        """
        share = torch.expm1(self.gamma.diff()) if self.weighting == "vlb" else torch.ones_like(self.gamma[1:])
        spread = evenly_spread(count, self.gamma.device)
        return 1 + torch.searchsorted(share.cumsum(0) / share.sum(), spread).clamp(max=self.steps - 1)

    def diffuse(self, x: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """z_t for x (B, *event), step t (B,) long, noise eps (B, *event)."""
        gamma = self.gamma[t].view(-1, *[1] * (x.dim() - 1))
        return (-gamma).sigmoid().sqrt() * x + gamma.sigmoid().sqrt() * eps

    def denoise(self, z: Tensor, t: int, context: Context, weight: float = 1.0) -> Tensor:
        """Predicted noise (B, *event), of which the predicted x is clamped to the range of the data.

        The clamp takes no x of the data farther from its prediction, so that the bound does not fall.
        """
        alpha, sigma = (-self.gamma[t]).sigmoid().sqrt(), self.gamma[t].sigmoid().sqrt()
        eps = self.guided(z, self.time[t].expand(len(z)), context, weight)
        x = ((z - sigma * eps) / alpha).clamp(-self.limit, self.limit)
        return (z - alpha * x) / sigma

    def squared_error(self, x: Tensor, t: int, context: Context) -> Tensor:
        """(B, *event): (eps - eps_hat)^2 at step t, one draw of the noise."""
        eps = torch.randn_like(x)
        z = self.diffuse(x, torch.full((len(x),), t, device=x.device), eps)
        return (eps - self.denoise(z, t, context)).square()

    @torch.no_grad()
    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        x, c = _enough(train)
        given = self.context(c)
        self.calibrated.fill_(True)
        for t in range(1, self.steps + 1):
            self.noise_error[:, t] = self.squared_error(x, t, given).mean(0)
            if self.condition.everywhere:
                self.noise_error[1, t] = self.squared_error(x, t, scale_context(given, x.new_zeros(len(x)))).mean(0)

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """(B,) nats: every step, one draw of the noise at each."""
        bound, context = self.decoder.reconstruction(x, self.gamma[0]) - self._prior(x), self.context(c)
        for t in range(1, self.steps + 1):
            gain, error = self._gain(t), self.squared_error(x, t, context)
            spread = torch.where(self.calibrated, self._spread(t), 1 + gain * error.mean())
            divergence = gain / spread * error + spread.log() - 1 + 1 / spread
            bound = bound - 0.5 * divergence.flatten(1).sum(-1)
        return bound

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z, context = torch.randn(len(c), *self.event.shape, device=c.device), self.context(c)
        for t in range(self.steps, 0, -1):
            z = self._step_back(z, t, context)
        return self.decoder.draw(z, self.gamma[0])

    def _step_back(self, z: Tensor, t: int, context: Context) -> Tensor:
        """Draw z_s given z_t (arXiv:2107.00630, eq. 33, with variance r times the posterior's)."""
        gamma_s, gamma_t = self.gamma[t - 1], self.gamma[t]
        removed = -torch.expm1(gamma_s - gamma_t)
        ratio = ((-gamma_s).sigmoid() / (-gamma_t).sigmoid()).sqrt()
        mean = ratio * (z - gamma_t.sigmoid().sqrt() * removed * self.denoise(z, t, context, self.setting))
        return mean + (gamma_s.sigmoid() * removed * self._spread(t)).sqrt() * torch.randn_like(z)

    def _gain(self, t: int) -> Tensor:
        """g_t, ()."""
        return torch.expm1(self.gamma[t] - self.gamma[t - 1])

    def _spread(self, t: int) -> Tensor:
        """r_t, (*event)."""
        return 1 + self._gain(t) * self.noise_error[int(self.blind), t]

    def _prior(self, x: Tensor) -> Tensor:
        """KL(q(z_T | x) || N(0, I)), (B,)."""
        alpha2, sigma2 = (-self.gamma[-1]).sigmoid(), self.gamma[-1].sigmoid()
        return 0.5 * (alpha2 * x.square() + sigma2 - sigma2.log() - 1).flatten(1).sum(-1)


def _enough(train: Iterable[Batch]) -> Batch:
    """The first items of `train`, as many as calibration needs."""
    batches: list[Batch] = []
    for batch in train:
        batches.append(batch)
        if len(batches) >= CALIBRATION_BATCHES and sum(len(x) for x, _ in batches) >= CALIBRATION_ITEMS:
            break
    x, c = (torch.cat(parts) for parts in zip(*batches, strict=True))
    return x, c


def gamma_of_margin(event: Event, margin: float) -> float:
    """gamma_0 at which half a bin of the event's levels is `margin` times s, so that z_0 nearly fixes the level."""
    return -2 * math.log(margin * (event.grid - 1))


class Decoder:
    """p(x | z_0) of an event; a `gamma` is -log SNR at step 0, ()."""

    def __init__(self, event: Event) -> None:
        self.event = event

    def reconstruction(self, x: Tensor, gamma: Tensor) -> Tensor:
        """(B,): E log p(x | z_0) over z_0 given x; on points in closed form, on levels by one draw."""
        if self.event.levels is None:
            return (-0.5 * self.event.dims * (1 + LOG_2PI + gamma)).expand(len(x))
        s = (gamma / 2).exp()
        return self.log_mass(x, x + s * torch.randn_like(x), s).flatten(1).sum(-1)

    def log_mass(self, x: Tensor, mean: Tensor, s: Tensor) -> Tensor:
        """Elementwise log[ Phi((x + d - mean) / s) - Phi((x - d - mean) / s) ], d half a bin."""
        half = 1 / (self.event.grid - 1)
        above = ((x + half - mean) / s).masked_fill(x > 1 - half, math.inf)
        below = ((x - half - mean) / s).masked_fill(x < half - 1, -math.inf)
        low, high = torch.where(below + above > 0, -above, below), torch.where(below + above > 0, -below, above)
        upper = torch.special.log_ndtr(high)  # both in the lower tail, where a difference keeps its digits
        return upper + torch.log1p(-(torch.special.log_ndtr(low) - upper).exp())

    def draw(self, z: Tensor, gamma: Tensor) -> Tensor:
        """x given z_0 (B, *event)."""
        x = z / (-gamma).sigmoid().sqrt() + (gamma / 2).exp() * torch.randn_like(z)
        return x if self.event.levels is None else self.event.quantise(x)


def linear_schedule(low: float, high: float, steps: int) -> Tensor:
    """gamma_0 .. gamma_T, (T + 1,) float32."""
    return torch.linspace(low, high, steps + 1, dtype=torch.float64).float()


def cosine_schedule(low: float, high: float, steps: int, shift: float = 0.0) -> Tensor:
    """gamma_0 .. gamma_T, (T + 1,) float32."""
    first, last = (math.atan(math.exp((gamma - shift) / 2)) for gamma in (low, high))
    return (2 * torch.linspace(first, last, steps + 1, dtype=torch.float64).tan().log() + shift).float()
