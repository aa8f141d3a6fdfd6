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
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from torch import Tensor

CELLS, ANGLES, BETA = 20, 1001, 8.0
"""The paper's."""
RUNS = 10
"""Of k-means: the curve is that of the mean alpha and beta."""


class PRD(NamedTuple):
    """Higher is better for each; both lie in [0, 1]."""

    f_recall: float
    """F_8."""
    f_precision: float
    """F_1/8."""


def prd(*, real: Tensor, fake: Tensor) -> PRD:
    """real (N, D), fake (M, D) -> F_8 and F_1/8; k-means starts from fixed seeds."""
    both = torch.cat([real, fake]).double().numpy()
    precision, recall = torch.stack([curve(*_histograms(both, len(real), seed)) for seed in range(RUNS)]).mean(dim=0)
    return PRD(f_score(precision, recall, BETA), f_score(precision, recall, 1 / BETA))


def curve(p: Tensor, q: Tensor) -> Tensor:
    """Histograms (K,) float64 -> alpha and beta, (2, ANGLES), from all recall to all precision."""
    rate = torch.linspace(0, math.pi / 2, ANGLES + 2, dtype=torch.float64)[1:-1].tan()
    precision = torch.minimum(rate[:, None] * p, q).sum(dim=1)
    return torch.stack([precision, precision / rate])


def f_score(precision: Tensor, recall: Tensor, beta: float) -> float:
    """The best of a curve (A,), (A,)."""
    product, weighted = precision * recall, beta**2 * precision + recall
    return float(((1 + beta**2) * product / weighted.clamp(min=1e-12)).max())


def _histograms(both: NDArray[np.float64], n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Shares (CELLS,) of the first n rows, and of the others, in the cells of one k-means."""
    _, cell = kmeans2(both, min(CELLS, len(both)), minit="++", rng=np.random.default_rng(seed))
    counts = (torch.from_numpy(part).bincount(minlength=CELLS).double() for part in np.split(cell, [n]))
    p, q = (count / count.sum() for count in counts)
    return p, q
