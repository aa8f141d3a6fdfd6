"""Fréchet distance between Gaussians fitted to real and fake features.

    d² = |m_r - m_f|² + tr(S_r + S_f - 2 (S_r S_f)^(1/2))

With A and B the features minus their own means, over (N - 1)^(1/2) and (M - 1)^(1/2), S_r = AᵀA and S_f = BᵀB. The
trace of the root is the sum of the singular values of A Bᵀ, or of R_a R_bᵀ, where A = Q_a R_a and B = Q_b R_b: no
covariance is formed, so that no digit is lost to squares, and a singular one needs no regularisation. Both sides are
first moved by one vector, the mean of the real features, for the distance does not depend on the origin, and far from
it floating-point numbers have few digits left.

Two samples of N from the *same* white Gaussian in d dimensions are about d (d + 5) / (2 N) apart: read the number
next to that of the `real` control, or with that bias taken away: it falls as 1 / N, so the intercept of a line through
the distances of smaller samples over 1 / N is what infinitely many would score. Noise is then all that is left of it,
to either side of 0.

All but the resampling is on the device of the features, in float64, in memory for three
copies of each side.

The sampling interval is that of resampled distances, to first order: each item has an influence, and the distance of a
resample is the mean of them. The influence of a fake x is (likewise on the real side)

    2 (m_f - m_r)ᵀ y + yᵀ (I - T) y      y = x - m_f,   T = L (Lᵀ S_f L)^(-1/2) Lᵀ,   L Lᵀ = S_r

WHY not the distances of the resamples themselves: these hold some items twice, which real samples never do, so that
near equality they spread twice as much as distances between real samples. To first order they spread 1.0 to 1.6 times
as much.

References:
    Hampel 1974, The influence curve, doi:10.2307/2285666; Dowson, Landau 1982; Heusel et al. 2017, GANs trained by a
    two time-scale update rule, arXiv:1706.08500; Chong, Forsyth 2020, Effectively unbiased FID, arXiv:1911.07023.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_features
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Metric, has_samples

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.bootstrap import Bootstrap
    from pipeline.metrics.evaluation.context import EvaluationContext

BLOCK = 2**14
"""Rows at a time: 268 MB of 2,048 features in float64."""
SIZES = 15
"""The paper's."""
SMALLEST = 1 / 3
"""Of the samples there are. WHY not a tenth, as in the paper: ours are hundreds, not tens of thousands."""


class Moments(NamedTuple):
    mean: Tensor
    """(D,) float64."""
    covariance: Tensor
    """(D, D) float64."""


class Centred(NamedTuple):
    """Two sets of features about one origin."""

    real: Tensor
    """(N, D) float64."""
    fake: Tensor
    """(M, D) float64."""


def centred(real: Tensor, fake: Tensor) -> Centred:
    """Move both sets of features by the mean of the real ones.

    Args:
        real: (N, D), N >= 1. Features far from the origin have to be float64 to have digits.
        fake: (M, D).

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: The numbers of columns differ.
    """
    check_features(real, fake)
    origin = real.double().mean(dim=0)
    return Centred(real.double() - origin, fake.double() - origin)


def frechet(*, real: Tensor, fake: Tensor) -> float:
    """The squared Fréchet distance; lower is better.

    Args:
        real: (N, D) features.
        fake: (M, D) features.

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: N or M is below 2, or the numbers of columns differ.
    """
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"a covariance needs two items at least, not {len(real)} real and {len(fake)} fake")
    return _distance(*centred(real, fake))


def _distance(real: Tensor, fake: Tensor) -> float:
    """real (N, D), fake (M, D) float64 about an origin nearby."""
    import torch

    unit = float(torch.maximum(real.abs().max(), fake.abs().max())) or 1.0  # their squares may be too large for float64
    (mean_r, a), (mean_f, b) = (_root(x / unit) for x in (real, fake))
    shared = torch.linalg.svdvals(a @ b.T).sum()
    squared = (mean_r - mean_f).square().sum() + a.square().sum() + b.square().sum() - 2 * shared
    return unit * unit * max(0.0, float(squared))  # of the same points rounding may leave less than nothing


def _root(x: Tensor) -> tuple[Tensor, Tensor]:
    """x (N, D) -> its mean (D,) and R (min(N, D), D), for which RᵀR is its covariance."""
    import torch

    mean, r = x.mean(dim=0), x[:0]
    for rows in x.split(BLOCK):  # R of the rows so far stands for them
        r = torch.linalg.qr(torch.cat([r, (rows - mean) / (len(x) - 1) ** 0.5]), mode="r").R
    return mean, r


def moments(x: Tensor) -> Moments:
    """The one that is fitted to x (N, D)."""
    x = x.double()
    return Moments(x.mean(dim=0), x.T.cov().reshape(x.shape[1], x.shape[1]))


def factor(s: Tensor) -> Tensor:
    """(D, D) positive semidefinite -> L, triangular, with L Lᵀ = s."""
    import torch

    floor = 1e-10 * s.diagonal().mean()  # a dead feature has no variance
    return torch.linalg.cholesky(s + (floor + 1e-30) * torch.eye(len(s), dtype=s.dtype, device=s.device))


def frechet_infinity(*, real: Tensor, fake: Tensor) -> float:
    """The distance extrapolated to infinitely many of both; a fixed seed draws the smaller samples.

    Args:
        real: (N, D) features.
        fake: (M, D) features.

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: A third of N or M is below 2, or the numbers of columns differ.
    """
    import numpy as np
    import torch

    most = min(len(real), len(fake))
    if SMALLEST * most < 2:
        raise ValueError(f"{most} samples have no third of two or more")
    sides = centred(real, fake)
    rng = torch.Generator().manual_seed(0)
    sizes = [round(size) for size in np.linspace(SMALLEST * most, most, SIZES)]
    parts = ([x[torch.randperm(len(x), generator=rng)[:size].to(x.device)] for x in sides] for size in sizes)
    found = [_distance(*part) for part in parts]
    return float(np.polynomial.Polynomial.fit([1 / size for size in sizes], found, 1)(0.0))


def resampled(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """The distances of resamples.

    Args:
        bootstrap: B resamples.
        real: (N, D) features.
        fake: (M, D) features.

    Returns:
        (B,) float64, on the CPU.
    """
    moved = influences(real, fake)
    return bootstrap.means("real", moved[0].cpu()) + bootstrap.means("fake", moved[1].cpu())


def influences(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
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
    return _influence(real, fake), _influence(fake, real)


def _influence(x: Tensor, other: Tensor) -> Tensor:
    """x (N, D), other (M, D) float64 -> (N,), of the items of x."""
    import torch

    own, against = moments(x), moments(other)
    root = factor(against.covariance)
    value, vector = torch.linalg.eigh(root.T @ own.covariance @ root)
    least = max(1e-10 * float(value.max()), 1e-300)  # a sample that is all alike has no variance
    half = root @ (vector * value.clamp(min=least).rsqrt().sqrt())  # (D, D), half halfᵀ = T
    y = x - own.mean
    quadratic = [rows.square().sum(dim=1) - (rows @ half).square().sum(dim=1) for rows in y.split(BLOCK)]
    return 2 * y @ (own.mean - against.mean) + torch.cat(quadratic)


def _protocol(context: EvaluationContext) -> str:
    """Says where a covariance of no more items than features is singular, and the distance mostly bias."""
    size = context.real.shape[1]
    few = min(len(context.real), len(context.fake)) <= size
    return f"{protocol.features(context)}{f', n <= {size} features' if few else ''}"


METRICS = (
    Metric(
        name="frechet", title="Fréchet", unit="squared distance", better="lower", order=40, log_scale=True,
        compute=lambda c: frechet(**c.sides()), requires=has_samples, protocol=_protocol,
        interval=of_resamples(lambda c: resampled(c.bootstrap, **c.sides()), 0),
    ),
    Metric(
        name="frechet_infinity", title="Fréchet∞", unit="squared distance", better="lower", order=50, table="file",
        low=-math.inf, compute=lambda c: frechet_infinity(**c.sides()), requires=has_samples,
        protocol=lambda c: f"{_protocol(c)}, {SIZES} sizes from {SMALLEST:.2f} n",
    ),
)  # fmt: skip
