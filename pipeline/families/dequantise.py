"""From levels to a density and back: uniform dequantisation and the logit.

    y = (k + u) / L,  u ~ U[0, 1)         P(k) = E_u[ p(y) ] / L^D          (Theis et al. 2016, arXiv:1511.01844)
    v = logit(a + (1 - 2 a) y)            log|dv/dy| = log(1 - 2 a) - log s - log(1 - s),  s = a + (1 - 2 a) y

A density on v therefore gives importance weights for the mass of k: one u gives an ELBO, several give IWAE-k.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pipeline.contract import Event

ALPHA = 0.05  # Dinh et al. 2017, arXiv:1605.08803: keeps the logit of the outermost levels finite


def dequantise(x: Tensor, event: Event) -> tuple[Tensor, Tensor]:
    """x (B, *event) on the grid -> (v, log|dv/dk|): one random real v in each bin, and (B,) nats."""
    y = (event.index(x) + torch.rand_like(x)) / event.grid
    s = ALPHA + (1 - 2 * ALPHA) * y
    log_slope = math.log((1 - 2 * ALPHA) / event.grid) - s.log() - (1 - s).log()
    return s.logit(), log_slope.flatten(1).sum(-1)


def requantise(v: Tensor, event: Event) -> Tensor:
    """The level whose bin holds v, as a value on the grid of [-1, 1]; values beyond the bins go to the outermost."""
    y = (v.sigmoid() - ALPHA) / (1 - 2 * ALPHA)
    return event.value((y * event.grid).floor().long().clamp(0, event.grid - 1))
