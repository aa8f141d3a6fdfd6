"""Distances between resamples, to first order: each item has an influence, and a resample's distance is the mean of it.

Fréchet, of a fake x (Hampel 1974, doi:10.2307/2285666; likewise on the real side):

    2 (m_f - m_r)ᵀ y + yᵀ (I - T) y      y = x - m_f,   T = L (Lᵀ S_f L)^(-1/2) Lᵀ,   L Lᵀ = S_r

Kernel, of a fake x:

    2 (mean over other fake f of k(x, f) - mean over real r of k(x, r))

WHY not the distances of the resamples themselves: these hold some items twice, which real samples never do, so that
near equality they spread twice as much as distances between real samples. To first order they spread 1.0 to 1.6 times
as much.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.metrics.bootstrap import Bootstrap
from pipeline.metrics.frechet import factor, gaussian

BLOCK, SMALLEST = 1000, 1e-300


def frechet(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """real (N, D), fake (M, D) -> (B,)."""
    return _resampled(bootstrap, frechet_influence(real, fake), frechet_influence(fake, real))


def kernel(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """real (N, D), fake (M, D) -> (B,)."""
    return _resampled(bootstrap, kernel_influence(real, fake), kernel_influence(fake, real))


def frechet_influence(x: Tensor, other: Tensor) -> Tensor:
    """x (N, D) -> (N,) float64: how the distance to `other` (M, D) moves with the weight of each item of x."""
    own, beside = gaussian(x), gaussian(other)
    root = factor(beside.covariance)[0]
    value, vector = torch.linalg.eigh(root.T @ own.covariance[0] @ root)
    least = max(1e-10 * float(value.max()), SMALLEST)  # a sample that is all alike has no variance
    half = root @ (vector * value.clamp(min=least).rsqrt().sqrt())  # (D, D), half halfᵀ = T
    y = x.double() - own.mean
    quadratic = y.square().sum(dim=1) - (y @ half).square().sum(dim=1)
    return 2 * y @ (own.mean - beside.mean)[0] + quadratic


def kernel_influence(x: Tensor, other: Tensor) -> Tensor:
    """Likewise of the kernel distance."""
    x, other = x.double(), other.double()
    parts = [
        (_cubic(part, x).sum(1) - _cubic(part, part).diagonal(), _cubic(part, other).mean(1)) for part in x.split(BLOCK)
    ]
    own, across = (torch.cat(side) for side in zip(*parts, strict=True))
    return 2 * (own / (len(x) - 1) - across)


def _resampled(bootstrap: Bootstrap, real: Tensor, fake: Tensor) -> Tensor:
    return bootstrap.means("real", real) + bootstrap.means("fake", fake)


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3
