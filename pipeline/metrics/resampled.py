"""Distances between resamples: of each, the number that the items would give if they were written out.

Fréchet's needs means and covariances, which are means of x and x xᵀ; the kernel's is a quadratic form in the counts.
Where covariances of all resamples cost too much, Fréchet's distance is linear in what each item adds to the means and
the covariances, its influence (Hampel 1974, doi:10.2307/2285666):

    fake x:    2 (m_f - m_r)ᵀ y + yᵀ (I - T) y      y = x - m_f,   T = L (Lᵀ S_f L)^(-1/2) Lᵀ,   L Lᵀ = S_r

and likewise for the real side. That leaves out what is of second order: it is good while the two are apart by more
than their noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.metrics.bootstrap import Bootstrap
from pipeline.metrics.frechet import Gaussians, between, factor, gaussian

WIDEST = 64
"""Features for which the covariances of all resamples are affordable: seconds, and half a gigabyte."""
LARGEST = 1000
"""Items for which the kernel's matrices times all resamples are."""


def frechet(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """real (N, D), fake (M, D) -> (B,)."""
    if real.shape[1] > WIDEST:
        return _moved(bootstrap, real, fake)
    a, b = bootstrap.counts("real", len(real)), bootstrap.counts("fake", len(fake))
    centre = real.double().mean(dim=0)  # squares of small numbers lose fewer digits
    return between(gaussians(real - centre, a), gaussians(fake - centre, b))


def gaussians(x: Tensor, counts: Tensor) -> Gaussians:
    """x (N, D) -> those fitted to resamples with `counts` (B, N)."""
    x, n = x.double(), len(x)
    row, column = torch.triu_indices(x.shape[1], x.shape[1])
    mean, upper = counts @ x / n, counts @ (x[:, row] * x[:, column]) / n
    covariance = x.new_empty(*mean.shape, x.shape[1])
    covariance[:, row, column] = covariance[:, column, row] = upper - mean[:, row] * mean[:, column]
    return Gaussians(mean, covariance * n / (n - 1))


def influence(x: Tensor, other: Tensor) -> Tensor:
    """x (N, D) -> (N,) float64: how the distance to `other` (M, D) moves with the weight of each item of x."""
    own, beside = gaussian(x), gaussian(other)
    root = factor(beside.covariance)[0]
    value, vector = torch.linalg.eigh(root.T @ own.covariance[0] @ root)
    steep = vector * value.clamp(min=1e-10 * value.max()).rsqrt().sqrt()
    half = root @ steep  # (D, D), half halfᵀ = T
    y = x.double() - own.mean
    quadratic = y.square().sum(dim=1) - (y @ half).square().sum(dim=1)
    return 2 * y @ (own.mean - beside.mean)[0] + quadratic


def _moved(bootstrap: Bootstrap, real: Tensor, fake: Tensor) -> Tensor:
    return bootstrap.means("real", influence(real, fake)) + bootstrap.means("fake", influence(fake, real))


def kernel(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor | None:
    """real (N, D), fake (M, D) -> (B,); None of more than LARGEST items."""
    if max(len(real), len(fake)) > LARGEST:
        return None
    counts = bootstrap.counts("real", len(real)), bootstrap.counts("fake", len(fake))
    return kernel_distances(real.double(), fake.double(), *counts)


def kernel_distances(real: Tensor, fake: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """real (N, D), fake (M, D), counts a (B, N), b (B, M) -> (B,) unbiased squared MMD."""
    return _within(real, a) + _within(fake, b) - 2 * ((a @ _cubic(real, fake)) * b).sum(1) / (len(real) * len(fake))


def _within(x: Tensor, counts: Tensor) -> Tensor:
    """The mean of the kernel over pairs of two different draws."""
    k, n = _cubic(x, x), len(x)
    return (((counts @ k) * counts).sum(dim=1) - counts @ k.diagonal()) / (n * (n - 1))


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3
