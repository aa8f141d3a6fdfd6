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
from pipeline.metrics.finite import check_finite

WITHIN = 3.0
"""Radius of a mode, in sigma."""
TIE = 1 - 1e-9
"""Two products of the same weights in another order may differ in the last digit: a mode as probable as the median is
none of the tail."""


class Histogram(NamedTuple):
    """What a sample visits of K known modes."""

    p: Tensor
    """(K,) float64: the truth."""
    counts: Tensor
    """(..., K): samples in each mode, of one sample or of resamples of it."""


class Visits(NamedTuple):
    """Each (...) float64, as many as there are histograms."""

    hit: Tensor
    """Modes with a sample; higher is better."""
    kl_pq: Tensor
    """KL(p || q) of the histograms over modes, nats; lower is better."""
    kl_qp: Tensor
    """KL(q || p) likewise."""
    tail_recall: Tensor
    """Share of the tail's modes that are hit; higher is better. nan without a tail."""


def visits(histogram: Histogram) -> Visits:
    """Of a mixture's modes or of those that factors make."""
    p, q, hit = histogram.p, smooth(histogram.counts), (histogram.counts > 0).double()
    return Visits(hit.sum(-1), kl(p, q), kl(q, p), hit[..., tail(p)].mean(-1))


def histogram(truth: Mixture, mode: Tensor, radius: Tensor) -> Histogram:
    """Of samples in modes (N,), radius (N,) sigma from their means, as `nearest_mode` tells: those of high quality."""
    p = torch.tensor(truth.weights, dtype=torch.float64)
    return Histogram(p, torch.bincount(mode[radius <= WITHIN], minlength=len(p)))


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
    """Counts (..., K) -> probabilities (..., K) float64, 1/2 added to each (Krichevsky, Trofimov 1981)."""
    raised = counts.double() + 0.5
    return raised / raised.sum(dim=-1, keepdim=True)


def tail(p: Tensor) -> Tensor:
    """p (K,) -> (K,) bool."""
    return p < TIE * p.quantile(0.5)


def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) of histograms (..., K) -> (...) nats; 0 log 0 = 0."""
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(dim=-1)


def _radii(truth: Mixture, x: Tensor) -> Tensor:
    """x (N, D) -> (N, K) float64: distances from each mean in sigma."""
    check_finite(x, "item")
    means = torch.tensor(truth.means, dtype=torch.float64)
    return torch.cdist(x.double(), means, compute_mode="donot_use_mm_for_euclid_dist") / truth.sigma
