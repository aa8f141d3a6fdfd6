"""Autoregressive mixture density network for points.

    p(x | c) = prod_i p(x_i | x_<i, c),    p(x_i | x_<i, c) = sum_k pi_k N(x_i; mu_k, sigma_k^2)

with (pi, mu, sigma) a network's function of x_<i and c: RNADE's factors (Uria, Murray & Larochelle 2013,
arXiv:1306.0186).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Exact, Loss, SinglePlayer
from pipeline.families.likelihood import LOG_SIGMA, normal_log_prob


class ARMixture(SinglePlayer, Exact):
    """`factors[i]` maps (x_<i (B, i), condition vector) to 3 K numbers."""

    def __init__(self, condition: nn.Module, factors: nn.ModuleList) -> None:
        super().__init__()
        self.condition, self.factors = condition, factors

    def factor(self, i: int, past: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters of p(x_i | x_<i, c), (B, K) each: log weights, means, log standard deviations."""
        logits, mean, log_sigma = self.factors[i](past, h).chunk(3, dim=-1)
        return logits.log_softmax(-1), mean, log_sigma.clamp(*LOG_SIGMA)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        h = self.condition(c).flat()
        log_p = x.new_zeros(len(x))
        for i in range(len(self.factors)):
            log_pi, mean, log_sigma = self.factor(i, x[:, :i], h)
            log_p = log_p + (log_pi + normal_log_prob(x[:, i, None], mean, log_sigma)).logsumexp(-1)
        return log_p

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        h = self.condition(c).flat()
        x = h.new_empty(len(c), 0)
        for i in range(len(self.factors)):
            log_pi, mean, log_sigma = self.factor(i, x, h)
            k = torch.multinomial(log_pi.exp(), 1)  # (B, 1)
            draw = mean.gather(1, k) + log_sigma.gather(1, k).exp() * torch.randn(len(c), 1)
            x = torch.cat([x, draw], dim=-1)
        return x
