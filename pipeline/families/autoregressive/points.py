"""Autoregressive mixtures of Gaussians for points.

    p(x | c) = prod_i p(x_i | x_<i, c),    p(x_i | x_<i, c) = sum_k pi_k N(x_i; mu_k, sigma_k^2)

with (pi, mu, sigma) a function of x_<i and c: RNADE's factors (Uria, Murray & Larochelle 2013, arXiv:1306.0186), from
a network for each i or from a masked one for all. At temperature T: log pi / T and sigma T.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.contract import Exact, Loss, SinglePlayer
from pipeline.distributions.likelihood import LOG_SIGMA, draw_category, normal_log_prob


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


class AutoregressivePoints(SinglePlayer, Exact):
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

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        h = self.condition(c).flat()
        x = h.new_zeros(len(c), self.dims)
        for i in range(self.dims):
            x[:, i] = Gaussians.of(self.network(x, h)[:, i]).draw(self.setting)
        return x
