"""Autoregressive mixtures of Gaussians for points.

    p(x | c) = prod_i p(x_i | x_<i, c),    p(x_i | x_<i, c) = sum_k pi_k N(x_i; mu_k, sigma_k^2)

with (pi, mu, sigma) a function of x_<i and c: RNADE's factors (Uria, Murray & Larochelle 2013, arXiv:1306.0186), from
a network for each i or from a masked one for all. At temperature T: log pi / T and sigma T.

A draw of a mixture is no smooth function of noise. Its gradient is that of implicit reparametrisation: x moves so that
the value of the distribution function F at x stays what it was,

    dx / dphi = - (dF(x; phi) / dphi) / p(x; phi),    F(x; phi) = sum_k pi_k Phi((x - mu_k) / sigma_k)

(Figurnov, Mohamed & Mnih 2018, arXiv:1805.08498, eq. 5), one coordinate after the other. It is unbiased. Of modes that
are far apart it hardly tells how much weight each should have: that shows where p is small, and no sample is there.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.contract import Exact, Loss
from pipeline.distributions.likelihood import LOG_SIGMA, draw_category, normal_log_prob
from pipeline.objectives.explicit import ExplicitModel

SMALLEST_DENSITY = 1e-20  # at a draw: a bound for numerical safety


class Gaussians(NamedTuple):
    """A mixture for each number of a batch."""

    log_pi: Tensor
    """(..., K), normalised."""
    mean: Tensor
    log_sigma: Tensor

    @classmethod
    def of(cls, parameters: Tensor) -> Gaussians:
        """Parameters (..., 3 K): logits, means, log standard deviations."""
        logits, mean, log_sigma = parameters.chunk(3, dim=-1)
        return cls(logits.log_softmax(-1), mean, log_sigma.clamp(*LOG_SIGMA))

    def log_prob(self, x: Tensor) -> Tensor:
        """x (...) -> (...) nats."""
        return (self.log_pi + normal_log_prob(x[..., None], self.mean, self.log_sigma)).logsumexp(-1)

    def draw(self, temperature: float) -> Tensor:
        """One number for each row of (B, K): (B,)."""
        k = draw_category((self.log_pi / temperature).softmax(-1))[:, None]
        sigma = self.log_sigma.gather(1, k).exp() * temperature
        return (self.mean.gather(1, k) + sigma * torch.randn_like(sigma)).squeeze(1)

    def rdraw(self) -> Tensor:
        """One number for each row of (B, K), differentiable in all parameters: (B,)."""
        x = self.draw(1.0).detach()
        cdf = (self.log_pi.exp() * torch.special.ndtr((x[:, None] - self.mean) * (-self.log_sigma).exp())).sum(-1)
        density = self.log_prob(x).detach().exp().clamp(min=SMALLEST_DENSITY)
        return x - (cdf - cdf.detach()) / density


class AutoregressivePoints(ExplicitModel, Exact):
    """`network` maps (x (B, D), condition vector h (B, V)) to (B, D, 3 K), of which row i depends on x_<i."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, condition: nn.Module, network: nn.Module, dims: int) -> None:
        super().__init__()
        self.condition, self.network, self.dims = condition, network, dims

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return Gaussians.of(self.network(x, self.condition(c).flat())).log_prob(x).sum(-1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    def rsample(self, c: Tensor) -> Tensor:
        h = self.condition(c).flat()
        x = h.new_zeros(len(c), 0)
        for i in range(self.dims):
            known = torch.cat([x, h.new_zeros(len(c), self.dims - i)], dim=1)
            x = torch.cat([x, Gaussians.of(self.network(known, h)[:, i]).rdraw()[:, None]], dim=1)
        return x

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        h = self.condition(c).flat()
        x = h.new_zeros(len(c), self.dims)
        for i in range(self.dims):
            x[:, i] = Gaussians.of(self.network(x, h)[:, i]).draw(self.setting)
        return x
