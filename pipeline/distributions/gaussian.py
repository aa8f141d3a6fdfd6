"""Diagonal Gaussians: priors and posteriors of latents.

KL( N(m, s^2) || N(m', s'^2) ) = (s^2 + (m - m')^2) / (2 s'^2) - 1/2 + log s' - log s
N(m, s^2) N(m', s'^2)  is proportional to  N(m*, s*^2)    1/s*^2 = 1/s^2 + 1/s'^2,    m* = s*^2 (m / s^2 + m' / s'^2)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.distributions.likelihood import normal_log_prob

LOG_SIGMA = (-7.0, 3.0)  # of latents with a standard normal prior: a bound for numerical safety


class Normals(NamedTuple):
    """Independent normals, a mean and a log standard deviation (B, ...) each."""

    mean: Tensor
    log_sigma: Tensor

    @classmethod
    def of(cls, parameters: Tensor) -> Normals:
        """(B, 2 n, ...) -> normals of (B, n, ...)."""
        mean, log_sigma = parameters.chunk(2, dim=1)
        return cls(mean, log_sigma.clamp(*LOG_SIGMA))

    @classmethod
    def standard_like(cls, mean: Tensor) -> Normals:
        """N(0, 1) for each value of `mean`, on its device."""
        return cls(torch.zeros_like(mean), torch.zeros_like(mean))

    def draw(self, temperature: float = 1.0) -> Tensor:
        """z (B, ...), differentiable in the mean and the deviation; deviations times `temperature`."""
        return self.mean + temperature * (self.log_sigma.exp() * torch.randn_like(self.mean))

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, ...) -> (B,) nats."""
        return normal_log_prob(z, self.mean, self.log_sigma).flatten(1).sum(-1)

    def divergence(self, prior: Normals) -> Tensor:
        """KL(self || prior) of each of the normals, (B, ...) nats."""
        variance, distance = (2 * self.log_sigma).exp(), (self.mean - prior.mean).square()
        spread = 0.5 * (variance + distance) * (-2 * prior.log_sigma).exp()
        return spread - 0.5 + prior.log_sigma - self.log_sigma

    def times(self, other: Normals) -> Normals:
        """The normalised product of the two densities: their precisions add."""
        share = torch.sigmoid(2 * (self.log_sigma - other.log_sigma))  # of the precision, other's
        log_precision = torch.logaddexp(-2 * self.log_sigma, -2 * other.log_sigma)
        return Normals(self.mean + share * (other.mean - self.mean), -0.5 * log_precision)

    def detached(self) -> Normals:
        return Normals(self.mean.detach(), self.log_sigma.detach())
