"""Distributions of x given the parameters from a network: log-densities (points) and log-masses (level grids), nats.

    Gaussian density      log N(x; mu, sigma^2)                                        points
    Bernoulli mass        log sigmoid(x l), x = -1 or 1                                two levels
    categorical mass      log softmax(logits)[level]                                   few levels
    discretised logistic  log [ F((x + d - mu)/s) - F((x - d - mu)/s) ], d half a bin   many levels

with the outermost bins reaching to infinity (Salimans et al. 2017, arXiv:1701.05517, eq. 2).
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.contract import Event

LOG_2PI = math.log(2 * math.pi)
LOG_SIGMA = (-7.0, 5.0)  # e^-7 is a tenth of the sharpest mode of the tasks: a bound for numerical safety


def normal_log_prob(x: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """Elementwise log N(x; mean, exp(log_sigma)^2), broadcast."""
    return -0.5 * ((x - mean) * (-log_sigma).exp()).square() - log_sigma - 0.5 * LOG_2PI


def standard_normal_log_prob(z: Tensor) -> Tensor:
    """z (B, ...) -> (B,): log N(z; 0, I)."""
    return (-0.5 * z.square() - 0.5 * LOG_2PI).flatten(1).sum(-1)


def draw_category(probabilities: Tensor) -> Tensor:
    """(B, K) -> (B,) long: one category of each row.

    As `torch.multinomial` draws a single one, argmax p / q with q ~ Exp(1), without the check that its argument is a
    distribution, for which the host would wait at each call.
    """
    return (probabilities / torch.empty_like(probabilities).exponential_()).argmax(-1)


class Likelihood(Protocol):
    """p(x | parameters), independent over the values of x."""

    width: int
    """Parameters for each value of x."""

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        """x (B, *event), parameters (B, width * C, ...) -> (B,)."""
        ...

    def draw(self, parameters: Tensor) -> Tensor:
        """One draw of x (B, *event)."""
        ...

    def mode(self, parameters: Tensor) -> Tensor:
        """The most likely x (B, *event)."""
        ...


class Gaussian:
    """A density on real values; parameters are means then log standard deviations, (B, 2 D) or (B, 2 C, T).

    Deviations start at an eighth of the data's scale: with wider ones a VAE explains the data as noise and ignores z.
    """

    width = 2

    def __init__(self, event: Event) -> None:
        self.scale, self.start = event.scale, math.log(event.scale / 8)

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        mean, log_sigma = self._split(parameters)
        return normal_log_prob(x, mean, log_sigma).flatten(1).sum(-1)

    def draw(self, parameters: Tensor) -> Tensor:
        mean, log_sigma = self._split(parameters)
        return mean + log_sigma.exp() * torch.randn_like(mean)

    def mode(self, parameters: Tensor) -> Tensor:
        return self._split(parameters)[0]

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_sigma = parameters.chunk(2, dim=1)
        return self.scale * mean, (log_sigma + self.start).clamp(*LOG_SIGMA)


class Bernoulli:
    """A mass on the two levels -1 and 1 for each value of an image; parameters are log odds l of 1, (B, C, H, W)."""

    width = 1

    def __init__(self, event: Event) -> None:
        self.event = event

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        return F.logsigmoid(x * parameters).flatten(1).sum(-1)

    def draw(self, parameters: Tensor) -> Tensor:
        return self.event.value(torch.bernoulli(parameters.sigmoid()))

    def mode(self, parameters: Tensor) -> Tensor:
        return self.event.value(parameters > 0)


class Categorical:
    """A mass on L levels for each value of an image; parameters are logits, (B, L C, H, W)."""

    def __init__(self, event: Event) -> None:
        self.event, self.width = event, event.grid

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        nll = F.cross_entropy(self._logits(parameters), self.event.index(x), reduction="none")
        return -nll.flatten(1).sum(-1)

    def draw(self, parameters: Tensor) -> Tensor:
        gumbel = -torch.empty_like(logits := self._logits(parameters)).exponential_().log()
        return self.event.value((logits + gumbel).argmax(1))

    def mode(self, parameters: Tensor) -> Tensor:
        return self.event.value(self._logits(parameters).argmax(1))

    def _logits(self, parameters: Tensor) -> Tensor:
        return parameters.unflatten(1, (self.width, -1))  # (B, L, C, H, W)


class DiscretisedLogistic:
    """A mass on L levels whose width does not grow with L; parameters are means and log scales, (B, 2 C, H, W).

    Scales start at an eighth of the largest value, as those of `Gaussian`.
    """

    width, start = 2, math.log(1 / 8)

    def __init__(self, event: Event) -> None:
        self.event, self.half = event, 1 / (event.grid - 1)

    def log_prob(self, x: Tensor, parameters: Tensor) -> Tensor:
        return logistic_log_mass(x, *self._split(parameters), self.half).flatten(1).sum(-1)

    def draw(self, parameters: Tensor) -> Tensor:
        mean, log_scale = self._split(parameters)
        u = torch.rand_like(mean).clamp(1e-6, 1 - 1e-6)
        return self.event.quantise(mean + log_scale.exp() * u.logit())

    def mode(self, parameters: Tensor) -> Tensor:
        return self.event.quantise(self._split(parameters)[0])

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = parameters.chunk(2, dim=1)
        return mean, (log_scale + self.start).clamp(*LOG_SIGMA)


def logistic_log_mass(x: Tensor, mean: Tensor, log_scale: Tensor, half: float) -> Tensor:
    """Elementwise log-mass of a logistic in the bin x +- half, broadcast; the outermost bins reach to infinity."""
    above = ((x + half - mean) * (-log_scale).exp()).masked_fill(x > 1 - half, math.inf)
    below = ((x - half - mean) * (-log_scale).exp()).masked_fill(x < half - 1, -math.inf)
    return _log_sigmoid_difference(above, below)


def _log_sigmoid_difference(a: Tensor, b: Tensor) -> Tensor:
    """log(sigmoid(a) - sigmoid(b)) for a > b, stable in both tails."""
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a))
    return F.logsigmoid(a) + F.logsigmoid(-b) + torch.log(-torch.expm1((b - a).clamp(max=-1e-7)))


def likelihood(event: Event, categories: int = 32) -> Likelihood:
    """The likelihood of an event: Gaussian on real values, Bernoulli on 2 levels, categorical on up to `categories`
    levels, else discretised logistic."""
    if event.levels is None:
        return Gaussian(event)
    if event.levels == 2:
        return Bernoulli(event)
    return Categorical(event) if event.levels <= categories else DiscretisedLogistic(event)
