"""Dequantisation and the logit: from levels to a density, and back.

    v ~ q(v | k)                          P(k) = integral of p(v) over the bin of k = E_q[ p(v) / q(v | k) ]

The bin of level k of L holds the v with k / L <= y < (k + 1) / L, where y = (sigmoid(v) - a) / (1 - 2 a); the bins of
the outermost levels have no outer end. So each v belongs to a level (`requantise`), the masses of all levels add up to
1, and they are those of the samples. A density on v gives importance weights for the mass of k: one v gives an ELBO,
several give IWAE-k. The proposal q transforms u of [0, 1):

    inner bins       y = (k + u) / L: uniform in y (Theis et al. 2016, arXiv:1511.01844)
    outermost bins   logistic in v, centred in the part of the bin within [a, 1 - a], with half of that part's width, or
                     .4 if that is more, as its scale, truncated at the bin's inner end: smooth, with one mode and with
                     exponential tails, so that the weights of a density with Gaussian tails are bounded

u is uniform, or u = sigmoid(g(e; k)) for a flow g that learns which u are likely, so that the density need not have a
bin's flat top and steep sides (Ho et al. 2019, arXiv:1902.00275). The noise e is logistic: then g = identity is the
uniform u, and no weight grows without bound where u nears 0 or 1.
"""

from __future__ import annotations

import abc
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from pipeline.contract import Event

ALPHA = 0.05
"""Dinh et al. 2017, arXiv:1605.08803: the inner levels lie in [a, 1 - a] of the logit."""
LEAST_SCALE = 0.4
"""Of the logistic proposal: at 256 levels half of the width is .035, and the tail of a density would have no draws."""
LEAST = 1e-6
"""The smallest u that is placed: float32 has no more digits near the ends of the logit."""


class Dequantiser(nn.Module, abc.ABC):
    """Draws one real v in the bin of each level."""

    @abc.abstractmethod
    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, C, H, W) on the grid, context h (B, M, H, W) -> (v, log|dv/du| - log q(u | x)): (B, C, H, W), (B,)."""


class Uniform(Dequantiser):
    """u ~ U[0, 1), for which log q = 0."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return dequantise(x, self.event)


class Variational(Dequantiser):
    """u = σ(a), (a, log|da/dε|) = flow(ε, (x, h)): `flow` is a bijection of (B, C, H, W) whose context is x and h."""

    def __init__(self, event: Event, flow: nn.Module) -> None:
        super().__init__()
        self.event, self.flow = event, flow

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        noise = torch.rand_like(x).logit(eps=1e-6)  # float32 has no more digits near 1
        a, log_det = self.flow(noise, torch.cat([x, h], dim=1))
        log_q = _log_sigmoid_slope(noise) - log_det - _log_sigmoid_slope(a)  # the logistic density is the slope of σ
        v, log_slope = _place(x, a.sigmoid(), self.event)
        return v, log_slope - log_q


def _log_sigmoid_slope(a: Tensor) -> Tensor:
    """a (B, ...) -> (B,): log |dσ(a)/da|."""
    return (logsigmoid(a) + logsigmoid(-a)).flatten(1).sum(-1)


def dequantise(x: Tensor, event: Event) -> tuple[Tensor, Tensor]:
    """x (B, *event) on the grid -> (v, log|dv/dk|): one uniformly random real v in each bin, and (B,) nats."""
    return _place(x, torch.rand_like(x), event)


def _place(x: Tensor, u: Tensor, event: Event) -> tuple[Tensor, Tensor]:
    """(v, log|dv/du|) for the place u of [0, 1] in the bin of each level."""
    level = event.index(x)
    first, last = level == 0, level == event.grid - 1
    inner, inner_slope = _place_inside(level, u, event)
    outer, outer_slope = _place_below(torch.where(last, 1 - u, u), event)
    v = torch.where(first, outer, torch.where(last, -outer, inner))
    return v, torch.where(first | last, outer_slope, inner_slope).flatten(1).sum(-1)


def _place_inside(level: Tensor, u: Tensor, event: Event) -> tuple[Tensor, Tensor]:
    """v and log|dv/du|, elementwise, where y is uniform in the bin."""
    s = ALPHA + (1 - 2 * ALPHA) * (level + u) / event.grid
    return s.logit(), math.log((1 - 2 * ALPHA) / event.grid) - s.log() - (1 - s).log()


def _place_below(u: Tensor, event: Event) -> tuple[Tensor, Tensor]:
    """v and log|dv/du|, elementwise, of the lowest level's logistic; that of the highest is its mirror image."""
    low, high = (math.log(s / (1 - s)) for s in (ALPHA, ALPHA + (1 - 2 * ALPHA) / event.grid))
    scale = max(LEAST_SCALE, (high - low) / 2)
    share = 1 / (1 + math.exp((low - high) / 2 / scale))  # of the logistic, below the bin's inner end
    z = (share * u.clamp(min=LEAST)).logit()
    return (low + high) / 2 + scale * z, math.log(scale * share) - logsigmoid(z) - logsigmoid(-z)


def requantise(v: Tensor, event: Event) -> Tensor:
    """The level whose bin holds v, as a value on the grid of [-1, 1]; the outermost bins have no end."""
    y = (v.sigmoid() - ALPHA) / (1 - 2 * ALPHA)
    return event.value((y * event.grid).floor().long().clamp(0, event.grid - 1))
