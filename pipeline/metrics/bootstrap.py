"""The sampling interval: how far a number of this one trained model would move with other samples and test items.

Each of B resamples draws n of n items with replacement, which is a count for each item. So a number that is a mean, or
a function of means and products, is had for all resamples by one product of matrices. The interval holds the middle
95 % of

    t + (t*_b - mean of t*)            t the number itself, t*_b that of resample b

WHY centred: a distance between small samples is biased upwards, that between resamples, which hold some items twice,
more so, and what is asked for is the spread of the number as it stands. The balls of precision, recall, density and
coverage are held where they are: their own noise is left out. It says nothing of training, and is never mixed with
Student's t over seeds. (Efron 1979, Ann. Statist. 7.)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

RESAMPLES, LEVEL = 1000, 0.95
WIDEST = 64
"""Features for which the covariances of all resamples are affordable: seconds, and half a gigabyte."""
LARGEST = 1000
"""Items for which the kernel's matrices times all resamples are."""


class Ends(NamedTuple):
    low: float
    high: float


class Bootstrap:
    """The resamples of one cell, the same for each of its numbers."""

    def __init__(self, seed: int, resamples: int = RESAMPLES) -> None:
        self.seed, self.resamples = seed, resamples
        self._drawn: dict[tuple[str, int], Tensor] = {}

    def counts(self, side: str, n: int) -> Tensor:
        """(B, n) float64: how often each resample holds each of the n items of a side, `real` or `fake`."""
        if (side, n) not in self._drawn:
            rng = torch.Generator().manual_seed(2 * self.seed + (side == "fake"))
            rows = torch.randint(n, (self.resamples, n), generator=rng)
            ones = torch.ones_like(rows, dtype=torch.float64)
            self._drawn[side, n] = torch.zeros(self.resamples, n, dtype=torch.float64).scatter_add_(1, rows, ones)
        return self._drawn[side, n]

    def mean(self, side: str, values: Tensor) -> Ends:
        """values (n,), one for each item of a side: the interval of their mean."""
        values = values.double()
        return ends(self.counts(side, len(values)) @ values / len(values), float(values.mean()))

    def frechet(self, *, real: Tensor, fake: Tensor) -> Ends:
        """real (N, D), fake (M, D) with D <= WIDEST: of the Fréchet distance."""
        every = torch.ones(1, len(real), dtype=torch.float64), torch.ones(1, len(fake), dtype=torch.float64)
        drawn = self.counts("real", len(real)), self.counts("fake", len(fake))
        centre = real.double().mean(dim=0)  # squares of small numbers lose fewer digits
        real, fake = real - centre, fake - centre
        one, many = (frechet_distances(moments(real, a), moments(fake, b)) for a, b in (every, drawn))
        return ends(many, float(one))

    def kernel(self, *, real: Tensor, fake: Tensor) -> Ends:
        """real (N, D), fake (M, D) with N, M <= LARGEST: of the kernel distance."""
        every = torch.ones(1, len(real), dtype=torch.float64), torch.ones(1, len(fake), dtype=torch.float64)
        drawn = self.counts("real", len(real)), self.counts("fake", len(fake))
        one, many = (kernel_distances(real.double(), fake.double(), *counts) for counts in (every, drawn))
        return ends(many, float(one))


def ends(resampled: Tensor, value: float) -> Ends:
    """resampled (B,) -> the middle LEVEL of it, its mean moved to `value`."""
    tails = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    low, high = (value + (resampled.quantile(tails) - resampled.mean())).tolist()
    return Ends(low, high)


def moments(x: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """x (N, D) -> the means (B, D) and covariances (B, D, D) of resamples with `counts` (B, N)."""
    x, n = x.double(), len(x)
    products = (x[:, :, None] * x[:, None, :]).flatten(1)  # (N, D²)
    mean = counts @ x / n
    second = (counts @ products / n).unflatten(1, (x.shape[1], -1))
    return mean, (second - mean[:, :, None] * mean[:, None, :]) * n / (n - 1)


def frechet_distances(real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> Tensor:
    """Means (B, D) and covariances (B, D, D) of both -> (B,)."""
    (mean, spread), (other, beside) = real, fake
    root = _root(spread)
    shared = torch.linalg.eigvalsh(root.mT @ beside @ root).clamp(min=0).sqrt().sum(dim=1)
    traces = (spread + beside).diagonal(dim1=1, dim2=2).sum(dim=1)
    return (mean - other).square().sum(dim=1) + traces - 2 * shared


def kernel_distances(real: Tensor, fake: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """real (N, D), fake (M, D), counts a (B, N), b (B, M) -> (B,) unbiased squared MMD."""
    return _within(real, a) + _within(fake, b) - 2 * ((a @ _cubic(real, fake)) * b).sum(1) / (len(real) * len(fake))


def _within(x: Tensor, counts: Tensor) -> Tensor:
    """The mean of the kernel over pairs of two different draws."""
    k, n = _cubic(x, x), len(x)
    return (((counts @ k) * counts).sum(dim=1) - counts @ k.diagonal()) / (n * (n - 1))


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _root(s: Tensor) -> Tensor:
    """(B, D, D) positive semidefinite -> L with L L^T = s: any will do, for R^T S R has the eigenvalues of S R R^T."""
    floor = 1e-10 * s.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]  # a dead feature has no variance
    return torch.linalg.cholesky(s + (floor + 1e-30) * torch.eye(s.shape[1], dtype=s.dtype))
