"""Sampling intervals of statistics of neighbours and of histograms, from halves of both samples.

What is estimated is the expected value of the metric over new real and new fake samples of these sizes, T(N, M). Both
samples are split at random into halves, S times, and radii, memberships and histograms are recomputed in each half.
The two halves are independent, so that

    V = mean over splits of (T_A - T_B)² / 2

is an unbiased estimate of the variance of T(N/2, M/2), and that of T(N, M) is V / 2 to first order, as the metrics are
means of local terms. (Resamples with replacement hold duplicates, which changes every radius; a jackknife counts the
interaction of c points c times, which makes these intervals up to twice too wide.)

    a share p     Wilson's interval with the effective number of items n_e = 2 p_h (1 - p_h) / V, p_h the mean of halves
    an F-score    likewise, with V multiplied by 1.2, as the cells are those of the whole samples
    density       T exp(± z s / T), or 0 to T + z s where T < z s; s² = V J(N, M) / J(N/2, M/2), where J, the variance
                  by the delete-one jackknife, corrects for a variance that does not fall as 1/N

Where real items share sources, the halves do not show it. Then the variance gains (I - 1) sum over real items of
(T_(-i) - mean)², T_(-i) the metric without item i and I the inflation of `bootstrap` for these influences.

Metrics that have no faster way are computed anew from the features of disjoint subsets (`recomputed`): halves of small
samples, and of large ones a smaller part of each, 1 / c of both, where the variance of T(N, M) is V / c likewise.

with z Student's 97.5 % quantile for FREEDOM degrees of freedom, as V itself is estimated.

References:
    McCarthy 1969, Pseudo-replication: half samples, Rev. Int. Stat. Inst. 37. Politis, Romano 1994, Large sample
    confidence regions based on subsamples, Ann. Statist. 22. Wilson 1927, J. Am. Stat. Assoc. 22.
    Efron, Stein 1981, The jackknife estimate of variance, Ann. Statist. 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from scipy.special import stdtrit
from torch import Tensor

from pipeline.metrics.evaluation.bootstrap import LEVEL, inflation
from pipeline.metrics.registry import Ends, shared

if TYPE_CHECKING:
    from pipeline.metrics.evaluation.context import EvaluationContext

SPLITS = 100
FREEDOM = 25
"""The standard error has a relative error of 1 / sqrt(2 x 25) = .14, about that of 250 items."""
Z = float(stdtrit(FREEDOM, (1 + LEVEL) / 2))
RECOMPUTED, PAIRS = 400, 50
"""Items of the smaller side in a subset that a metric is computed anew from, at most, and the pairs of subsets."""


class Halves(NamedTuple):
    """Which items are in the first half, in each of S splits."""

    real: Tensor
    """(S, N) bool."""
    fake: Tensor
    """(S, M) bool."""


def split(real: int, fake: int, *, seed: int, splits: int = SPLITS) -> Halves:
    """Random halves of so many real and fake items; of an odd number the first half is the smaller."""
    rng = torch.Generator().manual_seed(seed)
    return Halves(*(torch.rand(splits, n, generator=rng).argsort(dim=1) < n // 2 for n in (real, fake)))


class Recomputed(NamedTuple):
    """K metrics of disjoint subsets of both samples."""

    values: Tensor
    """(S, 2, K) float64, of both subsets of each split."""
    ratio: float
    """Variance of the whole samples' metric over that of a subset's: the share of items in a subset, at most 1/2."""


def recomputed(
    score: Callable[[Tensor, Tensor], tuple[float, ...]], *, real: Tensor, fake: Tensor, seed: int,
    splits: int = PAIRS, most: int = RECOMPUTED,
) -> Recomputed:  # fmt: skip
    """Metrics of two disjoint subsets of both samples, for each of some random splits.

    Args:
        score: real (n, D), fake (m, D) -> K metrics.
        real: (N, D) features.
        fake: (M, D) features.
        seed: of the splits.
        splits: S.
        most: items of the smaller side in a subset, at most; larger samples are split into more than two parts, of
            which two are computed.
    """
    parts = max(2, math.ceil(min(len(real), len(fake)) / most))
    rng, found = torch.Generator().manual_seed(seed), []
    for _ in range(splits):
        rows = [torch.randperm(len(x), generator=rng).to(x.device) for x in (real, fake)]
        sizes = [len(x) // parts for x in (real, fake)]
        for part in range(2):
            r, f = (row[part * size : (part + 1) * size] for row, size in zip(rows, sizes, strict=True))
            found.append(score(real[r], fake[f]))
    return Recomputed(torch.tensor(found, dtype=torch.float64).unflatten(0, (splits, 2)), 1 / parts)


def share_ends(value: float, halves: Tensor, items: int, *, factor: float = 1.0, more: float = 0.0) -> Ends:
    """Wilson's interval of a share.

    Args:
        value: the share of the whole samples.
        halves: (S, 2), of both halves of each split.
        items: the number that the share is of; it takes the place of the effective number where all halves are equal.
        factor: the variance is multiplied by it.
        more: and this is added, to that of the whole samples.
    """
    p, variance = float(halves.mean()), factor * _variance(halves) + 2 * more
    effective = 2 * p * (1 - p) / variance if variance > 0 and 0 < p < 1 else items / factor
    centre = (value + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * math.sqrt(value * (1 - value) / effective + Z**2 / (4 * effective**2))
    return Ends(max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half)))


def positive_ends(value: float, halves: Tensor, *, ratio: float = 0.5, more: float = 0.0) -> Ends | None:
    """The interval of a positive number on the log scale; none where halves tell nothing of its spread.

    A number below Z standard errors has [0, T + Z s]: to first order the logarithm has no spread there, and its
    exponential no bound.

    Args:
        value: the number of the whole samples.
        halves: (S, 2), of both halves of each split.
        ratio: the variance of the whole samples' number over that of a half's.
        more: what is added to the variance of the whole samples.
    """
    variance = _variance(halves) * ratio + more
    if not (variance > 0 and value > 0):
        return None
    half = Z * math.sqrt(variance)
    if half > value:
        return Ends(0.0, value + half)
    return Ends(value * math.exp(-half / value), value * math.exp(half / value))


def _variance(halves: Tensor) -> float:
    return float((halves[:, 0] - halves[:, 1]).square().mean() / 2)


def enough(items: int, neighbours: int) -> bool:
    """Has each item in half of so many that many neighbours?"""
    return items // 2 > neighbours


def variance_by_sources(without: Tensor, sources: Tensor) -> float:
    """What real items that share sources add to the variance of a metric.

    Args:
        without: (N,), the metric without each real item.
        sources: (N, R) long, of each real item the sources that it is made of.
    """
    jackknife = (without - without.mean()).square().sum()
    return float((inflation(without[:, None], sources)[0] - 1) * jackknife)


def are_large_enough(context: EvaluationContext) -> bool:
    """Whether both samples of a cell can be halved."""
    most = max(context.settings.neighbours, context.settings.coverage_neighbours)
    return enough(min(len(context.real), len(context.fake)), most)


@shared
def halves(context: EvaluationContext) -> Halves:
    """The splits of a cell, the same for each of its metrics."""
    return split(len(context.real), len(context.fake), seed=context.seed)


def variance_of_sources(context: EvaluationContext, without: Callable[[EvaluationContext], Tensor]) -> float:
    """What real items that share sources add to the variance of a metric; 0 where items are independent.

    Args:
        without: the (N,) values of the metric without each real item.
    """
    if context.sources is None:
        return 0.0
    return variance_by_sources(without(context), context.sources[: len(context.real)])
