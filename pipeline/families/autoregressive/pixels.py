"""The distribution of one pixel, its sub-pixels in order R, G, B, given the parameters from a network.

    softmax    p(x_c) = softmax(logits_c)[level]                                              few levels, any shape
    mixture    p(x) = sum_k pi_k prod_c P(x_c; mu_ck + sum_(j<c) a_cjk x_j, s_ck)             many levels

with P the discretised logistic whose outermost bins reach to infinity: PixelCNN++ (Salimans, Karpathy, Chen & Kingma
2017, arXiv:1701.05517, eq. 1 to 3). At temperature T logits and log weights are divided by T, scales multiplied by T.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.distributions.likelihood import LOG_SIGMA, Categorical, logistic_log_mass


class Pixels(Protocol):
    """p(pixel | parameters)."""

    width: int
    """K: parameters for each pixel."""

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        """x (B, C, H, W), parameters (B, K, H, W) -> (B,) nats."""
        ...

    def draw(self, parameters: Tensor, share: slice, temperature: float) -> Tensor:
        """Parameters (B, K) of one place -> a draw of the sub-pixels in `share`, (B, |share|)."""
        ...


class Softmax:
    """A logit for each level of each sub-pixel, level-major; later sub-pixels depend on earlier ones in the network."""

    def __init__(self, event: Event) -> None:
        self.categorical, self.subpixels = Categorical(event), event.shape[0]
        self.width = event.grid * self.subpixels

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        return self.categorical.log_prob(x, parameters)

    def draw(self, parameters: Tensor, share: slice, temperature: float) -> Tensor:
        logits = parameters.unflatten(1, (-1, self.subpixels))[:, :, share]  # (B, L, |share|)
        return self.categorical.draw(logits.flatten(1) / temperature)


class Components(NamedTuple):
    """The K components of each pixel's mixture; `...` is (H, W) or nothing."""

    log_weight: Tensor
    """(B, K, ...)"""
    mean: Tensor
    """(B, C, K, ...), before earlier sub-pixels shift it."""
    log_scale: Tensor
    """(B, C, K, ...)"""
    slope: Tensor
    """(B, C (C - 1) / 2, K, ...): of each sub-pixel's mean in each earlier one, (G, R), (B, R), (B, G)."""


class LogisticMixture(nn.Module):
    """A pixel's sub-pixels share one component: 1 + 2 C + C (C - 1) / 2 numbers for each of `mixtures` components."""

    spread: Tensor
    """(mixtures,): initial means; equal ones would stay equal."""

    def __init__(self, event: Event, mixtures: int) -> None:
        super().__init__()
        self.event, self.half_width, self.subpixels = event, 1 / (event.grid - 1), event.shape[0]
        pairs = self.subpixels * (self.subpixels - 1) // 2
        self.parts = (1, self.subpixels, self.subpixels, pairs)
        self.width = mixtures * sum(self.parts)
        self.register_buffer("spread", torch.linspace(-1, 1, mixtures), persistent=False)

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        mixture, x = self._components(parameters), x.unsqueeze(2)  # (B, C, 1, H, W)
        log_p = mixture.log_weight
        for c in range(self.subpixels):
            mean = self._shifted(mixture, x, c)
            log_p = log_p + logistic_log_mass(x[:, c], mean, mixture.log_scale[:, c], self.half_width)
        return log_p.logsumexp(1).flatten(1).sum(-1)

    def draw(self, parameters: Tensor, share: slice, temperature: float) -> Tensor:
        mixture = self._components(parameters)
        gumbel = -torch.empty_like(mixture.log_weight).exponential_().log()
        chosen = (mixture.log_weight / temperature + gumbel).argmax(1)[:, None, None]  # (B, 1, 1)
        one = Components(mixture.log_weight, *(part.take_along_dim(chosen, 2) for part in mixture[1:]))
        u = torch.rand_like(one.mean).clamp(1e-6, 1 - 1e-6)  # the logit of 0 or 1 is infinite
        noise = one.log_scale.exp() * temperature * u.logit()
        x = torch.zeros_like(one.mean)  # (B, C, 1)
        for c in range(self.subpixels):
            x[:, c] = self.event.quantise(self._shifted(one, x, c) + noise[:, c])
        return x[:, share, 0]

    def _components(self, parameters: Tensor) -> Components:
        parts = parameters.unflatten(1, (sum(self.parts), -1)).split(self.parts, dim=1)
        log_weight, mean, log_scale, slope = parts
        spread = self.spread.view(-1, *[1] * (mean.dim() - 3))
        return Components(log_weight[:, 0].log_softmax(1), mean + spread, log_scale.clamp(*LOG_SIGMA), slope.tanh())

    def _shifted(self, mixture: Components, x: Tensor, c: int) -> Tensor:
        """The mean of sub-pixel c given those before it, (B, K, ...); x (B, C, 1, ...)."""
        mean, first = mixture.mean[:, c], c * (c - 1) // 2
        for earlier in range(c):
            mean = mean + mixture.slope[:, first + earlier] * x[:, earlier]
        return mean
