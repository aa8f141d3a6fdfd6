"""The sampling interval: how far a number of this one trained model would move with other samples and test items.

Each of B resamples draws n of n items with replacement, which is a count for each item. So a number that is a mean, or
a function of means, is computed for all resamples by one product of matrices. The interval holds the middle 95 % of

    t + (t*_b - mean of t*)            t the number itself, t*_b that of resample b

WHY centred: a distance between small samples is biased upwards, that between resamples, which hold some items twice,
more so, and what is asked for is the spread of the number as it stands. Precision, recall, density, coverage and
F-scores are not means of independent items: their intervals are those of `half_samples`. It says nothing of
training, and is never mixed with Student's t over seeds. (Efron 1979, Ann. Statist. 7.)

Test items that are made of shared sources, as three digits make an image, are not independent. With e the deviations
from the mean and r_i the number of different sources of item i, the variance of a mean is estimated by

    n² V = S / (S - 1) sum over sources s of (sum of e_i over items with s)² - sum over items of (r_i - 1) e_i²

(sums over all pairs of items that share a source; multiway clusters, Cameron, Gelbach, Miller 2011, J. Bus. Econ. Stat.
29; Aronow, Samii, Assenova 2015, Polit. Anal. 23), and the deviations of resampled means are scaled by the root of V
over its value for independent items, where that is above 1. S is the number of sources. WHY not weights that are
products of the sources' multiplicities (Owen 2007, Ann. Appl. Stat. 1(2)): with three sources to an item they count
what is an item's alone up to seven times.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pipeline.metrics.registry import Ends

RESAMPLES, LEVEL = 1000, 0.95
BLOCK = 2**25
"""Items that are drawn at a time."""


class Bootstrap:
    """The resamples of one cell, the same for each of its numbers; drawn and computed on the CPU."""

    def __init__(self, seed: int, resamples: int = RESAMPLES, sources: Tensor | None = None) -> None:
        """`sources` (N, R) long: of each real item the sources that it is made of; None where items are independent."""
        self.seed, self.resamples, self.sources = seed, resamples, sources
        self._drawn: dict[tuple[str, int], Tensor] = {}

    def counts(self, side: str, n: int) -> Tensor:
        """(B, n) float64: how often each resample holds each of the n items of a side, `real` or `fake`."""
        if (side, n) not in self._drawn:
            rng = torch.Generator().manual_seed(2 * self.seed + (side == "fake"))
            counts = torch.zeros(self.resamples, n, dtype=torch.float64)
            for part in counts.split(max(1, BLOCK // n)):
                part.scatter_add_(1, torch.randint(n, part.shape, generator=rng), torch.ones_like(part))
            self._drawn[side, n] = counts
        return self._drawn[side, n]

    def means(self, side: str, values: Tensor) -> Tensor:
        """values (n, ...), one for each item of a side -> (B, ...), of each resample the mean."""
        flat = values.double().reshape(len(values), -1)
        found = self.counts(side, len(values)) @ flat / len(values)
        if side == "real" and self.sources is not None:
            mean = flat.mean(dim=0)
            found = mean + (found - mean) * inflation(flat, self.sources[: len(flat)]).sqrt()
        return found.reshape(-1, *values.shape[1:])

    def histograms(self, counts: Tensor, items: int) -> Tensor:
        """counts (K,) of a histogram of `items`, some of which may lie in no cell -> (B, K): those of resamples.

        WHY not of the items: no resample of them holds what they have missed. So cells without an item get together the
        share of those with one (Good 1953, Biometrika 40).
        """
        shares = torch.cat([counts, counts.new_tensor([items - int(counts.sum())])]).double() / items
        missed = counts == 0
        if missed.any():
            unseen = float((counts == 1).sum()) / items
            shares *= 1 - unseen
            shares[:-1][missed] = unseen / int(missed.sum())
        drawn = np.random.default_rng(2 * self.seed + 1).multinomial(items, shares.numpy(), self.resamples)
        return torch.from_numpy(drawn[:, :-1])


def inflation(values: Tensor, sources: Tensor) -> Tensor:
    """The variance of the mean of items with shared sources over that of independent items, at least 1.

    Args:
        values: (n, D).
        sources: (n, R) long, of each item the sources that it is made of; one may occur twice.

    Returns:
        (D,) float64.
    """
    e = values.double() - values.double().mean(dim=0)
    used, index = sources.unique(return_inverse=True)
    members = torch.zeros(len(e), len(used), dtype=torch.float64).scatter_(1, index, 1.0)
    shared = (members.T @ e).square().sum(dim=0) * len(used) / max(1, len(used) - 1)
    once = e.square().sum(dim=0)
    found = (shared - ((members.sum(dim=1) - 1)[:, None] * e.square()).sum(dim=0)) / once
    return torch.where(once > 0, found.clamp(min=1), 1.0)


def ends(resampled: Tensor, value: float, least: float = -math.inf, most: float = math.inf) -> Ends:
    """resampled (B,) -> the middle LEVEL of it, its mean moved to `value`, from `least` to `most` possible."""
    tails = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    low, high = (value + (resampled.quantile(tails) - resampled.mean())).clamp(least, most).tolist()
    return Ends(low, high)
