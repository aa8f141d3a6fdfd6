"""Normalising flows: the density of a standard normal under an invertible map.

    log p(x | c) = log N(f(x; c); 0, I) + log|det df/dx|

On points that is the model. On images the data are levels, so a flow scores them through dequantisation: its
importance weights have the bin's mass as their mean (`distributions/dequantisation.py`). At temperature T the samples
are f^-1(T z), z ~ N(0, I) (Kingma & Dhariwal 2018, arXiv:1807.03039, section 6). They are differentiable in the
weights, so that a flow can be trained by other objectives than maximum likelihood (`pipeline/objectives/`).

References:
    Rezende & Mohamed 2015, arXiv:1505.05770; Dinh et al. 2017, arXiv:1605.08803.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss
from pipeline.distributions.bijection import Bijection
from pipeline.distributions.dequantisation import Dequantiser, requantise
from pipeline.distributions.likelihood import standard_normal_log_prob
from pipeline.objectives.explicit import ExplicitModel


def _flat(context: Any) -> Tensor:
    """Everything of an encoded condition in one vector."""
    return context.flat()


class PointFlow(ExplicitModel, Exact):
    """A flow of real values, points or sequences; `bijection` ends in (B, D), its context is `features` of the encoded
    condition."""

    knob = "temperature"

    def __init__(
        self, event: Event, condition: nn.Module, bijection: Bijection, features: Callable[[Any], Tensor] = _flat
    ) -> None:
        super().__init__()
        self.event, self.condition, self.bijection, self.features = event, condition, bijection, features

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        z, log_det = self.bijection(x, self.features(self.condition(c)))
        return standard_normal_log_prob(z) + log_det

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    def rsample(self, c: Tensor) -> Tensor:
        z = torch.randn(len(c), self.event.dims, device=c.device)
        return self.bijection.inverse(z, self.features(self.condition(c)))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = self.setting * torch.randn(len(c), self.event.dims, device=c.device)
        return self.bijection.inverse(z, self.features(self.condition(c)))


class ImageFlow(ExplicitModel):
    """A flow on dequantised levels; `bijection` ends in (B, D), its context is `features` of the encoded condition."""

    knob = "temperature"

    def __init__(
        self,
        event: Event,
        condition: nn.Module,
        features: Callable[[Any], Tensor],
        bijection: Bijection,
        dequantise: Dequantiser,
    ) -> None:
        super().__init__()
        self.event, self.condition, self.features = event, condition, features
        self.bijection, self.dequantise = bijection, dequantise

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        context = self.condition(c)
        v, log_slope = self.dequantise(x, context.everywhere())
        z, log_det = self.bijection(v, self.features(context))
        return standard_normal_log_prob(z) + log_det + log_slope

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_weight(x, c).mean()
        return Loss(nll, {"nll": nll})

    def continuous(self, x: Tensor, c: Tensor) -> Tensor:
        """2 σ(v) - 1 of dequantised values v, in (-1, 1): a divergence of v is not changed by an invertible map."""
        v, _ = self.dequantise(x, self.condition(c).everywhere())
        return 2 * v.sigmoid() - 1

    def rsample(self, c: Tensor) -> Tensor:
        z = torch.randn(len(c), self.event.dims, device=c.device)
        return 2 * self.bijection.inverse(z, self.features(self.condition(c))).sigmoid() - 1

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = self.setting * torch.randn(len(c), self.event.dims, device=c.device)
        return requantise(self.bijection.inverse(z, self.features(self.condition(c))), self.event)
