"""From levels to a density and back: dequantisation and the logit.

    y = (k + u) / L,  u ~ q(u | k)        P(k) = E_q[ p(k + u) / q(u | k) ]
    v = logit(a + (1 - 2 a) y)            log|dv/dy| = log(1 - 2 a) - log s - log(1 - s),  s = a + (1 - 2 a) y

A density on v therefore gives importance weights for the mass of k: one u gives an ELBO, several give IWAE-k.
q is uniform on [0, 1) (Theis et al. 2016, arXiv:1511.01844), or a flow that learns which u are likely: u = σ(g(ε; k)),
so that the density need not have a bin's flat top and steep sides (Ho et al. 2019, arXiv:1902.00275). The noise ε is
logistic: then g = identity is the uniform q, and no weight p / q grows without bound where u nears 0 or 1.
"""

from __future__ import annotations

import abc
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from pipeline.contract import Event

ALPHA = 0.05  # Dinh et al. 2017, arXiv:1605.08803: keeps the logit of the outermost levels finite


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
    y = (event.index(x) + u) / event.grid
    s = ALPHA + (1 - 2 * ALPHA) * y
    log_slope = math.log((1 - 2 * ALPHA) / event.grid) - s.log() - (1 - s).log()
    return s.logit(), log_slope.flatten(1).sum(-1)


def requantise(v: Tensor, event: Event) -> Tensor:
    """The level whose bin holds v, as a value on the grid of [-1, 1]; values beyond the bins go to the outermost."""
    y = (v.sigmoid() - ALPHA) / (1 - 2 * ALPHA)
    return event.value((y * event.grid).floor().long().clamp(0, event.grid - 1))
