"""Noise-contrastive estimation: an energy and its normalising constant, learned by telling data from noise.

    l(x) = log f(x) - ζ - log q(x),    loss = E_data[softplus(-l)] + E_q[softplus(l)]

is the loss of a classifier whose log odds are l. At its minimum f / e^ζ = p, so that the number ζ, learned like any
weight, is log Z: no chain and no sum is needed for training. The nearer the noise q is to the data, the more the
classifier has to learn, and the less the estimate varies. The flow q is fitted by its likelihood while the energy
trains (Gao et al. 2020, arXiv:1912.00589, train the two against each other).

ζ is an estimate without a bound. The likelihood that is reported uses Z by quadrature, and training logs their
difference as long as it trains.

References:
    Gutmann & Hyvärinen 2010, AISTATS; 2012, J. Mach. Learn. Res. 13.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Loss
from pipeline.distributions.bijection import Bijection
from pipeline.distributions.likelihood import standard_normal_log_prob
from pipeline.families.energy.ebm import QuadratureEBM


class FlowNoise(nn.Module):
    """The noise q: a normalising flow on R^D."""

    def __init__(self, bijection: Bijection) -> None:
        super().__init__()
        self.bijection = bijection

    def log_prob(self, x: Tensor, h: Tensor) -> Tensor:
        """x (B, D), context h (B, V) -> (B,) nats."""
        z, log_det = self.bijection(x, h)
        return standard_normal_log_prob(z) + log_det

    @torch.no_grad()
    def draw(self, like: Tensor, h: Tensor) -> Tensor:
        """(B, D): one draw for each row of h."""
        return self.bijection.inverse(torch.randn_like(like), h)


class NoiseContrastiveEBM(QuadratureEBM):
    """An energy that is trained against a flow; `learned_log_z` (labels,) is ζ. It has no persistent chains."""

    def __init__(self, *arguments: Any, noise: FlowNoise, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.noise, self.learned_log_z = noise, nn.Parameter(torch.zeros(self.labels))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        h = self.condition(c).flat()
        log_q = self.noise.log_prob(x, h)
        other = self.noise.draw(x, h)
        data = self._log_odds(x, h, c, log_q.detach())
        noise = self._log_odds(other, h, c, self.noise.log_prob(other, h).detach())
        contrast, nll = F.softplus(-data).mean() + F.softplus(noise).mean(), -log_q.mean()
        return Loss(contrast + nll, {"nce": contrast, "noise_nll": nll, "learned_log_z": self.learned_log_z.mean()})

    def _log_odds(self, x: Tensor, h: Tensor, c: Tensor, log_q: Tensor) -> Tensor:
        """l(x), (B,)."""
        return self.log_base(x) - self.energy(x, h) - self.learned_log_z[self.label(c)] - log_q
