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
from pipeline.metrics.frechet import centred, factor, gaussian
from pipeline.metrics.kernel import Means, means

SMALLEST = 1e-300


def frechet(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """real (N, D), fake (M, D) -> (B,)."""
    return _resampled(bootstrap, *frechet_influences(real, fake))


def kernel(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """real (N, D), fake (M, D) -> (B,)."""
    return _resampled(bootstrap, *kernel_influences(real, fake))


def frechet_influences(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """How the distance moves with the weight of each item.

    Args:
        real: (N, D) features.
        fake: (M, D) features.

    Returns:
        (N,) and (M,) float64.

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
    """
    real, fake = centred(real, fake)
    return _frechet_influence(real, fake), _frechet_influence(fake, real)


def kernel_influences(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Likewise of the kernel distance."""
    r, f = means(real, fake)
    return _kernel_influence(r), _kernel_influence(f)


def _frechet_influence(x: Tensor, other: Tensor) -> Tensor:
    """x (N, D), other (M, D) float64 -> (N,), of the items of x."""
    own, against = gaussian(x), gaussian(other)
    root = factor(against.covariance)
    value, vector = torch.linalg.eigh(root.T @ own.covariance @ root)
    least = max(1e-10 * float(value.max()), SMALLEST)  # a sample that is all alike has no variance
    half = root @ (vector * value.clamp(min=least).rsqrt().sqrt())  # (D, D), half halfᵀ = T
    y = x - own.mean
    quadratic = y.square().sum(dim=1) - (y @ half).square().sum(dim=1)
    return 2 * y @ (own.mean - against.mean) + quadratic


def _kernel_influence(found: Means) -> Tensor:
    return 2 * (found.own - found.across)


def _resampled(bootstrap: Bootstrap, real: Tensor, fake: Tensor) -> Tensor:
    return bootstrap.means("real", real) + bootstrap.means("fake", fake)
