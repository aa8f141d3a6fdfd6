"""Which of the truth's modes a sample visits, where the truth is a known Gaussian mixture.

A sample belongs to the nearest mode; it is of high quality if it is within 3 sigma of it (of the truth's own samples
in the plane 1 - exp(-4.5) = 98.9 % are). A mode is hit if one sample of high quality belongs to it. The histogram over
modes counts the samples of high quality, with 1/2 added to each mode so that an empty one costs a finite amount:
q_k = (n_k + 1/2) / (n + K/2).

    tail    the modes that are less probable than the median mode

Srivastava et al. 2017, VEEGAN, arXiv:1705.07761; Lin et al. 2018, PacGAN, arXiv:1712.04086.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.contract import Mixture

WITHIN = 3.0
"""Radius of a mode, in sigma."""
TIE = 1 - 1e-9
"""Two products of the same weights in another order may differ in the last digit: a mode as probable as the median is
none of the tail."""


class Modes(NamedTuple):
    hit: int
    """Modes with a sample of high quality; higher is better."""
    high_quality: float
    """Share of samples within 3 sigma of a mode; higher is better."""
    kl_pq: float
    """KL(p || q) of the histograms over modes, nats; lower is better."""
    kl_qp: float
    """KL(q || p) likewise."""
    tail_recall: float
    """Share of the tail's modes that are hit; higher is better. nan without a tail."""


def modes(*, truth: Mixture, fake: Tensor) -> Modes:
    """fake (N, D) against the truth's modes."""
    mode, radius = nearest_mode(truth, fake)
    good = radius <= WITHIN
    p = torch.tensor(truth.weights, dtype=torch.float64)
    counts = torch.bincount(mode[good], minlength=len(p))
    q = smooth(counts)
    hit = counts > 0
    return Modes(int(hit.sum()), float(good.double().mean()), kl(p, q), kl(q, p), float(hit[tail(p)].double().mean()))


def nearest_mode(truth: Mixture, x: Tensor) -> tuple[Tensor, Tensor]:
    """x (N, D) -> mode (N,) long, and the distance from its mean in sigma (N,) float64."""
    nearest = _radii(truth, x).min(dim=1)
    return nearest.indices, nearest.values


def log_density(truth: Mixture, x: Tensor) -> Tensor:
    """x (N, D) -> (N,) float64 nats: log sum_k w_k N(x; mu_k, sigma² I)."""
    log_weights = torch.tensor(truth.weights, dtype=torch.float64).log()
    normaliser = x.shape[1] * (math.log(truth.sigma) + 0.5 * math.log(2 * math.pi))
    return (log_weights - 0.5 * _radii(truth, x).square()).logsumexp(dim=1) - normaliser


def smooth(counts: Tensor) -> Tensor:
    """Counts (K,) -> probabilities (K,) float64, 1/2 added to each (Krichevsky, Trofimov 1981)."""
    raised = counts.double() + 0.5
    return raised / raised.sum()


def tail(p: Tensor) -> Tensor:
    """p (K,) -> (K,) bool."""
    return p < TIE * p.quantile(0.5)


def kl(p: Tensor, q: Tensor) -> float:
    """KL(p || q) of two histograms (K,), nats; 0 log 0 = 0."""
    return float((torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum())


def _radii(truth: Mixture, x: Tensor) -> Tensor:
    """x (N, D) -> (N, K) float64: distances from each mean in sigma."""
    means = torch.tensor(truth.means, dtype=torch.float64)
    return torch.cdist(x.double(), means, compute_mode="donot_use_mm_for_euclid_dist") / truth.sigma
