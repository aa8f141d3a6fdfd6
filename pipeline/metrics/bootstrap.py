"""The sampling interval: how far a number of this one trained model would move with other samples and test items.

Each of B resamples draws n of n items with replacement, which is a count for each item. So a number that is a mean, or
a function of means and products, is had for all resamples by one product of matrices. The interval holds the middle
95 % of

    t + (t*_b - mean of t*)            t the number itself, t*_b that of resample b

WHY centred: a distance between small samples is biased upwards, that between resamples, which hold some items twice,
more so, and what is asked for is the spread of the number as it stands. Balls, and the cells of k-means, are held where
they are: their own noise is left out. It says nothing of training, and is never mixed with Student's t over seeds.
(Efron 1979, Ann. Statist. 7.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

RESAMPLES, LEVEL = 1000, 0.95


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

    def means(self, side: str, values: Tensor) -> Tensor:
        """values (n, ...), one for each item of a side -> (B, ...), of each resample the mean."""
        flat = values.double().reshape(len(values), -1)
        return (self.counts(side, len(values)) @ flat / len(values)).reshape(-1, *values.shape[1:])

    def mean(self, side: str, values: Tensor, of: Callable[[Tensor], Tensor] = torch.clone) -> Ends:
        """values (n, ...), one for each item of a side: the interval of their mean, or `of` their mean."""
        return ends(of(self.means(side, values)), float(of(values.double().mean(dim=0))))

    def histograms(self, counts: Tensor) -> Tensor:
        """counts (K,) of a histogram -> (B, K): those of resampled items, without the items."""
        total = int(counts.sum())
        rng = np.random.default_rng(2 * self.seed + 1)
        drawn = rng.multinomial(total, (counts.double() / max(total, 1)).numpy(), self.resamples)
        return torch.from_numpy(drawn)


def ends(resampled: Tensor, value: float, least: float = -math.inf, most: float = math.inf) -> Ends:
    """resampled (B,) -> the middle LEVEL of it, its mean moved to `value`, from `least` to `most` possible."""
    tails = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    low, high = (value + (resampled.quantile(tails) - resampled.mean())).clamp(least, most).tolist()
    return Ends(low, high)
