"""Precision and recall as one curve: how much of q is in p, and how much of p in q, at every exchange rate.

    alpha(l) = sum over cells of min(l p, q)     precision          beta(l) = alpha(l) / l     recall
    F_b      = max over l of (1 + b²) alpha beta / (b² alpha + beta)

p and q are histograms of real and fake features over the same cells, those of k-means on both together. F_8 weighs
recall eight times as much as precision, F_1/8 the other way round, so a model that covers has F_8 > F_1/8, one that
seeks F_8 < F_1/8. Equal to 1 where the histograms are.

Sajjadi et al. 2018, Assessing generative models via precision and recall, arXiv:1806.00035.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from torch import Tensor

from pipeline.metrics.finite import check_features

CELLS, ANGLES, BETA = 20, 1001, 8.0
"""The paper's."""
RUNS = 10
"""Of k-means: the curve is that of the mean alpha and beta."""


class PRD(NamedTuple):
    """Each (...): higher is better, in [0, 1]."""

    f_recall: Tensor
    """F_8."""
    f_precision: Tensor
    """F_1/8."""


class Cells(NamedTuple):
    """(RUNS, N) and (RUNS, M) long: the cell of each item in each run of k-means, which starts from fixed seeds."""

    real: Tensor
    fake: Tensor


def cells(*, real: Tensor, fake: Tensor) -> Cells:
    """real (N, D), fake (M, D): those of k-means on both together."""
    check_features(real, fake)
    both = torch.cat([real, fake]).double()
    both -= both.mean(dim=0)  # k-means expands |x - y|²: far from the origin it would lose its digits
    found = torch.stack([_cells(both.numpy(), seed) for seed in range(RUNS)])
    return Cells(*found.split([len(real), len(fake)], dim=1))


def prd(p: Sequence[Tensor], q: Sequence[Tensor], angles: int = ANGLES) -> PRD:
    """Of each run the histograms (..., CELLS) of real and fake -> F_8 and F_1/8 of the mean curve."""
    curves = torch.stack([curve(*pair, angles) for pair in zip(p, q, strict=True)])
    precision, recall = curves.mean(dim=0).unbind(dim=0)
    return PRD(f_score(precision, recall, BETA), f_score(precision, recall, 1 / BETA))


def shares(cell: Tensor, counts: Tensor) -> Tensor:
    """Cells (N,) long of items that a resample holds `counts` (B, N) times -> histograms (B, CELLS)."""
    return counts @ F.one_hot(cell, CELLS).double() / counts.sum(dim=1, keepdim=True)


def curve(p: Tensor, q: Tensor, angles: int = ANGLES) -> Tensor:
    """Histograms (..., K) float64 -> alpha and beta, (2, ..., angles), from all recall to all precision."""
    rate = torch.linspace(0, math.pi / 2, angles + 2, dtype=torch.float64)[1:-1].tan()
    precision = torch.minimum(rate[:, None] * p[..., None, :], q[..., None, :]).sum(dim=-1)
    return torch.stack([precision, precision / rate])


def f_score(precision: Tensor, recall: Tensor, beta: float) -> Tensor:
    """The best of curves (..., A) -> (...)."""
    product, weighted = precision * recall, beta**2 * precision + recall
    return ((1 + beta**2) * product / weighted.clamp(min=1e-12)).amax(dim=-1)


def _cells(both: NDArray[np.float64], seed: int) -> Tensor:
    _, cell = kmeans2(both, min(CELLS, len(both)), minit="++", rng=np.random.default_rng(seed))
    return torch.from_numpy(cell).long()
