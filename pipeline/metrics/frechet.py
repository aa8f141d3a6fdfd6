"""Fréchet distance between Gaussians fitted to real and fake features.

    d² = |m_r - m_f|² + tr(S_r + S_f - 2 (S_r S_f)^(1/2))

Two samples of N from the *same* white Gaussian in d dimensions are about d (d + 5) / (2 N) apart: read the number
beside that of the `real` control, or with that bias taken away: it falls as 1 / N, so the intercept of a line through
the distances of smaller samples over 1 / N is what infinitely many would score. Noise is then all that is left of it,
to either side of 0.

Dowson, Landau 1982; Heusel et al. 2017, GANs trained by a two time-scale update rule, arXiv:1706.08500; Chong, Forsyth
2020, Effectively unbiased FID, arXiv:1911.07023.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

SIZES = 15
"""The paper's."""
SMALLEST = 1 / 3
"""Of the samples there are. WHY not a tenth, as in the paper: ours are hundreds, not tens of thousands."""


class _Features(nn.Identity):
    """What torchmetrics asks of a feature extractor whose features are already there."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.num_features = size


def frechet(*, real: Tensor, fake: Tensor) -> float:
    """real (N, D), fake (M, D) -> the squared distance, with statistics in float64; lower is better.

    Raises:
        RuntimeError: N or M is below 2.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance  # WHY here: the import costs seconds

    metric = FrechetInceptionDistance(_Features(real.shape[1]))
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    return max(0.0, float(metric.compute()))  # of the same points rounding may leave less than nothing


class Gaussians(NamedTuple):
    """B of them."""

    mean: Tensor
    """(B, D) float64."""
    covariance: Tensor
    """(B, D, D)."""


def gaussian(x: Tensor) -> Gaussians:
    """The one, B = 1, that is fitted to x (N, D)."""
    x = x.double()
    return Gaussians(x.mean(dim=0)[None], x.T.cov().reshape(1, x.shape[1], x.shape[1]))


def between(real: Gaussians, fake: Gaussians) -> Tensor:
    """(B,) squared distances in closed form: with L Lᵀ = S_r, Lᵀ S_f L has the eigenvalues of S_r S_f."""
    root = factor(real.covariance)
    shared = torch.linalg.eigvalsh(root.mT @ fake.covariance @ root).clamp(min=0).sqrt().sum(dim=1)
    traces = (real.covariance + fake.covariance).diagonal(dim1=1, dim2=2).sum(dim=1)
    return (real.mean - fake.mean).square().sum(dim=1) + traces - 2 * shared


def factor(s: Tensor) -> Tensor:
    """(B, D, D) positive semidefinite -> L, triangular, with L Lᵀ = s."""
    floor = 1e-10 * s.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]  # a dead feature has no variance
    return torch.linalg.cholesky(s + (floor + 1e-30) * torch.eye(s.shape[1], dtype=s.dtype))


def frechet_infinity(*, real: Tensor, fake: Tensor) -> float:
    """real (N, D), fake (M, D) -> the distance extrapolated to infinitely many of both; a fixed seed draws the parts.

    Raises:
        ValueError: a third of N or M is below 2.
    """
    most = min(len(real), len(fake))
    if SMALLEST * most < 2:
        raise ValueError(f"{most} samples have no third of two or more")
    rng = torch.Generator().manual_seed(0)
    sizes = [round(size) for size in np.linspace(SMALLEST * most, most, SIZES)]
    parts = [[x[torch.randperm(len(x), generator=rng)[:size]] for x in (real, fake)] for size in sizes]
    found = [between(gaussian(a), gaussian(b)).item() for a, b in parts]
    return float(np.polynomial.Polynomial.fit([1 / size for size in sizes], found, 1)(0.0))
