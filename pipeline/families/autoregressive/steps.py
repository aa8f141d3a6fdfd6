"""The distribution of one value of a sequence, given the parameters from a network.

    softmax    P(x) = softmax(logits)[level]                              levels: symbols, or mu-law of sound
    mixture    p(x) = sum_k pi_k N(x / s; mu_k, sigma_k^2) / s            real values of the scale s

At temperature T logits and log weights are divided by T, and sigma is multiplied by T.
"""

from __future__ import annotations

import math
from typing import Protocol

from torch import Tensor

from pipeline.contract import Event
from pipeline.distributions.likelihood import draw_category
from pipeline.families.autoregressive.points import Gaussians


class Steps(Protocol):
    """p(value | parameters)."""

    width: int
    """K: parameters for each value."""

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        """x (B, N), parameters (B, N, K) -> (B,) nats."""
        ...

    def draw(self, parameters: Tensor, temperature: float) -> Tensor:
        """Parameters (B, K) of one place -> a draw of the value there, (B,)."""
        ...


class SoftmaxSteps:
    """A logit for each level."""

    def __init__(self, event: Event) -> None:
        self.event, self.width = event, event.grid

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        level = self.event.index(x)[..., None]
        return parameters.log_softmax(-1).gather(-1, level).squeeze(-1).sum(-1)

    def draw(self, parameters: Tensor, temperature: float) -> Tensor:
        return self.event.value(draw_category((parameters / temperature).softmax(-1)))


class GaussianSteps:
    """A mixture of Gaussians of the value in units of the event's scale."""

    def __init__(self, event: Event, mixtures: int) -> None:
        self.scale, self.width = event.scale, 3 * mixtures

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        return (Gaussians.of(parameters).log_prob(x / self.scale) - math.log(self.scale)).sum(-1)

    def draw(self, parameters: Tensor, temperature: float) -> Tensor:
        return self.scale * Gaussians.of(parameters).draw(temperature)


def steps(event: Event, mixtures: int) -> Steps:
    """The distribution of a value of the event: a softmax over its levels, or a mixture of real values."""
    return GaussianSteps(event, mixtures) if event.levels is None else SoftmaxSteps(event)
