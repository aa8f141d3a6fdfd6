"""KL(p || q) and KL(q || p) in nats between a known truth p and a model q.

    covering   KL(p || q) = E_p[log p - log q]    large where q misses what p has
    seeking    KL(q || p) = E_q[log q - log p]    large where q puts what p has not

A model with an exact likelihood gives both by Monte Carlo (evidence.py); a lower bound on log q gives an upper bound
on KL(p || q). From samples alone, by the data-processing inequality, the KL of any histogram is a lower bound. Its
cells, in the plane:

    near    (nearest mode) x (8 shells about its mean that are equally probable under it, the last one up to 4 sigma)
    far     4 to 8 sigma from every mode, 8 to 16, 16 to 32, ..., whichever mode is nearest

|x - mu|² / sigma² is chi² with two degrees of freedom, P(radius > r) = exp(-r²/2), so p of a near cell is w_k / 8 where
modes are well apart. Where they overlap it is not, so each is summed over an even grid of nodes (quantile of the
radius, angle) about each mode. p of a far cell is bounded above by exp(-r²/2), exact where modes are well apart, which
leaves the bound on KL(q || p) a bound: a sample that misses every mode by 64 sigma is charged 2,048 nats over its
share, not the few nats of the outermost near shell.

In KL(q || p) q is counts / n. In KL(p || q) q has 1/2 added to each cell's count. Both estimates are too large: by
(occupied cells - 1) / 2n and by (cells - 1) / 2n, to first order (Miller 1955), which is subtracted. So they are lower
bounds in expectation: 2,500 samples of the truth itself score -.001 to .000 nats on average, on 8 modes and on 25, and
a single number may lie above or below 0 by its noise.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from pipeline.contract import Mixture
from pipeline.metrics.modes import kl, nearest_mode, smooth

SHELLS = 8
REACH = 4.0
"""Where near ends, in sigma: 3.4e-4 of a Gaussian in the plane is farther."""
OCTAVES = 16
"""Far shells; the last one has no end."""
NODES = 128
"""Quantiles and angles of the quadrature: a multiple of SHELLS, so that a lone mode's shells come out exactly 1/8."""


def histogram_kl_pq(*, truth: Mixture, fake: Tensor) -> float:
    """fake (N, 2) -> a lower bound on KL(p || q) in expectation."""
    p = log_mass(truth).exp()
    return float(kl(p / p.sum(), smooth(_counts(truth, fake)))) - (_size(truth) - 1) / (2 * len(fake))


def histogram_kl_qp(*, truth: Mixture, fake: Tensor) -> float:
    """fake (N, 2) -> a lower bound on KL(q || p) in expectation."""
    counts = _counts(truth, fake)
    q, occupied = counts.double() / len(fake), int((counts > 0).sum())
    return float((torch.special.xlogy(q, q) - q * log_mass(truth)).sum()) - (occupied - 1) / (2 * len(fake))


def cell(truth: Mixture, x: Tensor) -> Tensor:
    """x (N, 2) -> (N,) long: mode * SHELLS + shell of a near cell, K * SHELLS + octave of a far one."""
    mode, radius = nearest_mode(truth, x)
    quantile = -torch.expm1(-radius.square() / 2)
    shell = (quantile * SHELLS).long().clamp(max=SHELLS - 1)
    octave = (radius / REACH).clamp(min=1).log2().long().clamp(max=OCTAVES - 1)
    return torch.where(radius < REACH, mode * SHELLS + shell, len(truth.means) * SHELLS + octave)


@functools.lru_cache(maxsize=4)
def log_mass(truth: Mixture) -> Tensor:
    """(K * SHELLS + OCTAVES,) float64 nats: log p of each cell, of the far ones an upper bound."""
    share = torch.zeros(_size(truth), dtype=torch.float64)
    for mean, weight in zip(truth.means, truth.weights, strict=True):
        nodes = torch.tensor(mean, dtype=torch.float64) + truth.sigma * _nodes()
        share += weight * torch.bincount(cell(truth, nodes), minlength=len(share)) / len(nodes)
    near = share[:-OCTAVES].clamp(min=0.5 / NODES**2).log()  # WHY: no node in a cell is no proof that it is empty
    far = -0.5 * (REACH * 2.0 ** torch.arange(OCTAVES, dtype=torch.float64)).square()
    return torch.cat([near, far])


def _nodes() -> Tensor:
    """(NODES², 2) float64: midpoints of equally probable parts of the standard Gaussian in the plane."""
    middle = (torch.arange(NODES, dtype=torch.float64) + 0.5) / NODES
    radius = (-2 * torch.log1p(-middle)).sqrt()
    angle = 2 * math.pi * middle
    return torch.stack([torch.outer(radius, angle.cos()), torch.outer(radius, angle.sin())], dim=-1).reshape(-1, 2)


def _counts(truth: Mixture, x: Tensor) -> Tensor:
    return torch.bincount(cell(truth, x), minlength=_size(truth))


def _size(truth: Mixture) -> int:
    return len(truth.means) * SHELLS + OCTAVES
