"""Sampling intervals of statistics of neighbours and of histograms, from halves of both samples.

What is estimated is the expected value of the metric over new real and new fake samples of these sizes, T(N, M). Both
samples are split at random into halves, S times, and radii, memberships and histograms are recomputed in each half.
The two halves are independent, so that

    V = mean over splits of (T_A - T_B)² / 2

is an unbiased estimate of the variance of T(N/2, M/2), and that of T(N, M) is V / 2 to first order, as the metrics are
means of local terms. (Resamples with replacement hold duplicates, which changes every radius; a jackknife counts the
interaction of c points c times, which makes these intervals up to twice too wide.)

    a share p     Wilson's interval with the effective number of items n_e = 2 p_h (1 - p_h) / V, p_h the mean of halves
    an F-score    likewise, with V multiplied by CELLS, as the cells are those of the whole samples
    density       T exp(± z s / T), s² = V J(N, M) / J(N/2, M/2), where J, the variance by the delete-one jackknife,
                  corrects for a variance that does not fall as 1/N

Where real items share sources, the halves do not show it. Then the variance gains (I - 1) sum over real items of
(T_(-i) - mean)², T_(-i) the metric without item i and I the inflation of `bootstrap` for these influences.

with z Student's 97.5 % quantile for FREEDOM degrees of freedom, as V itself is estimated.

References:
    McCarthy 1969, Pseudo-replication: half samples, Rev. Int. Stat. Inst. 37. Politis, Romano 1994, Large sample
    confidence regions based on subsamples, Ann. Statist. 22. Wilson 1927, J. Am. Stat. Assoc. 22.
    Efron, Stein 1981, The jackknife estimate of variance, Ann. Statist. 9.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from scipy.special import stdtrit
from torch import Tensor

from pipeline.metrics import prd
from pipeline.metrics.bootstrap import LEVEL, Ends, inflation
from pipeline.metrics.neighbours import distances, squared
from pipeline.metrics.prd import PRD, Cells

SPLITS = 100
NEAREST = 32
"""Neighbours of each point among which the k-th of a half is looked for: it is farther with a probability of 1e-5."""
SLACK = 1e-6
"""Relative error of the distances that pairs are chosen by."""
CELLS = 1.2
"""Variance of an F-score over that with fixed cells, at most, by `benchmarks/intervals.py`."""
FREEDOM = 25
"""The standard error has a relative error of 1 / sqrt(2 x 25) = .14, about that of 250 items."""
Z = float(stdtrit(FREEDOM, (1 + LEVEL) / 2))


class Halves(NamedTuple):
    """Which items are in the first half, in each of S splits."""

    real: Tensor
    """(S, N) bool."""
    fake: Tensor
    """(S, M) bool."""


class Scores(NamedTuple):
    """Metrics of both halves of each split, (S, 2) float64."""

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor
    density_ratio: float
    """J(N, M) / J(N/2, M/2) of the density."""


class Score(NamedTuple):
    """Metrics of one half."""

    precision: float
    recall: float
    density: float
    coverage: float
    density_jackknife: float
    """The variance of the density by the delete-one jackknife."""


def split(real: int, fake: int, *, seed: int, splits: int = SPLITS) -> Halves:
    """Random halves of so many real and fake items; of an odd number the first half is the smaller."""
    rng = torch.Generator().manual_seed(seed)
    return Halves(*(torch.rand(splits, n, generator=rng).argsort(dim=1) < n // 2 for n in (real, fake)))


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

    Args:
        value: the number of the whole samples.
        halves: (S, 2), of both halves of each split.
        ratio: the variance of the whole samples' number over that of a half's.
        more: what is added to the variance of the whole samples.
    """
    variance = _variance(halves) * ratio + more
    if not (variance > 0 and value > 0):
        return None
    s = math.sqrt(variance) / value
    return Ends(value * math.exp(-Z * s), value * math.exp(Z * s))


def _variance(halves: Tensor) -> float:
    return float((halves[:, 0] - halves[:, 1]).square().mean() / 2)


def enough(items: int, neighbours: int) -> bool:
    """Has each item in half of so many that many neighbours?"""
    return items // 2 > neighbours


def manifold(halves: Halves, *, real: Tensor, fake: Tensor, neighbours: int, coverage_neighbours: int) -> Scores:
    """real (N, D), fake (M, D) -> precision, recall, density and coverage of the halves, radii recomputed.

    Raises:
        ValueError: half a sample has too few points to have that many neighbours.
    """
    most = max(neighbours, coverage_neighbours)
    if not enough(min(len(real), len(fake)), most):
        raise ValueError(f"half of {min(len(real), len(fake))} points have no {most} neighbours each")
    found = Neighbourhoods(real, fake, neighbours, coverage_neighbours)
    each = [[found.score(r, f), found.score(~r, ~f)] for r, f in zip(halves.real, halves.fake, strict=True)]
    precision, recall, density, coverage, jackknife = torch.tensor(each, dtype=torch.float64).unbind(dim=2)
    whole = found.score(*(torch.ones(len(x), dtype=torch.bool) for x in (real, fake))).density_jackknife
    below = float(jackknife.mean())
    return Scores(precision, recall, density, coverage, whole / below if below > 0 else 0.5)


def variance_by_sources(without: Tensor, sources: Tensor) -> float:
    """What real items that share sources add to the variance of a metric.

    Args:
        without: (N,), the metric without each real item.
        sources: (N, R) long, of each real item the sources that it is made of.
    """
    jackknife = (without - without.mean()).square().sum()
    return float((inflation(without[:, None], sources)[0] - 1) * jackknife)


def manifold_without(*, real: Tensor, fake: Tensor, neighbours: int, coverage_neighbours: int) -> tuple[Tensor, ...]:
    """Precision, recall, density and coverage, (N,) each, without each of the real items (N, D), N >= 2 neighbours."""
    found, every = Neighbourhoods(real, fake, neighbours, coverage_neighbours), torch.ones(len(fake), dtype=torch.bool)
    masks = ~torch.eye(len(real), dtype=torch.bool)
    return torch.tensor([found.score(r, every)[:4] for r in masks], dtype=torch.float64).unbind(dim=1)


def f_scores_without(cells: Cells) -> PRD:
    """F_8 and F_1/8, (N,) each, without each of the real items."""
    n, m = cells.real.shape[1], cells.fake.shape[1]
    masks, every = 1 - torch.eye(n, dtype=torch.float64), torch.ones(1, m, dtype=torch.float64)
    p, q = [prd.shares(c, masks) for c in cells.real], [prd.shares(c, every) for c in cells.fake]
    return prd.prd(p, q, prd.ANGLES // 5)


def f_scores(halves: Halves, cells: Cells) -> PRD:
    """F_8 and F_1/8 of both halves of each split, (S, 2) each; the cells are those of the whole samples."""

    def counts(first: Tensor) -> Tensor:
        return torch.stack([first, ~first], dim=1).flatten(0, 1).double()

    real, fake = counts(halves.real), counts(halves.fake)
    p, q = [prd.shares(c, real) for c in cells.real], [prd.shares(c, fake) for c in cells.fake]
    found = prd.prd(p, q, prd.ANGLES // 5)
    return PRD(*(score.reshape(-1, 2) for score in found))


class Neighbourhoods:
    """The distances that decide the metrics of any half of two samples."""

    def __init__(self, real: Tensor, fake: Tensor, inner: int, outer: int) -> None:
        self.inner, self.outer = inner, outer
        self.d2_real, self.index_real = _nearest_others(real)
        self.d2_fake, self.index_fake = _nearest_others(fake)
        self.i, self.j, self.d2 = self._pairs(real, fake)

    def score(self, real: Tensor, fake: Tensor) -> Score:
        """Of the real (N,) bool and fake (M,) bool items that take part."""
        order = real[self.index_real].cumsum(dim=1, dtype=torch.int16)
        small, large, next_one = (_kth(self.d2_real, order, k) for k in (self.inner, self.outer, self.outer + 1))
        reach = _kth(self.d2_fake, fake[self.index_fake].cumsum(dim=1, dtype=torch.int16), self.inner)
        here = (real[self.i] & fake[self.j]).nonzero()[:, 0]
        i, j, d2 = self.i[here], self.j[here], self.d2[here]
        inside = d2 <= large[i]
        held, balls = i[inside].bincount(minlength=len(real)), j[inside].bincount(minlength=len(fake))
        more = i[d2 <= next_one[i]].bincount(minlength=len(real)) - held
        near = real[self.index_real] & (order <= self.outer) & real[:, None]
        grown = torch.zeros_like(held).index_add_(0, self.index_real[near], more.repeat_interleave(near.sum(dim=1)))
        n, m = int(real.count_nonzero()), int(fake.count_nonzero())
        moved = (held - grown)[real].double()  # by how much the sum of memberships falls without each real item
        jackknife = moved.var() * n + balls[fake].double().var() * m
        precise, recalled = _count(j[d2 <= small[i]], len(fake)), _count(i[d2 <= reach[j]], len(real))
        covered = int(held.count_nonzero())
        density, varied = int(held.sum()) / (self.outer * m), float(jackknife) / (self.outer * m) ** 2
        return Score(precise / m, recalled / n, density, covered / n, varied)

    def _pairs(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        reach = self.d2_real[:, -1].sqrt() * (1 + SLACK), self.d2_fake[:, -1].sqrt() * (1 + SLACK)
        found, start = [], 0
        for block in distances(real, fake):
            rows = slice(start, start + len(block))
            near = block <= torch.maximum(reach[0][rows, None], reach[1])
            found.append(near.nonzero() + torch.tensor([start, 0]))
            start = rows.stop
        i, j = torch.cat(found).unbind(dim=1)
        return i, j, squared(real, fake, i, j)


def _kth(d2: Tensor, order: Tensor, k: int) -> Tensor:
    """Squared distances (N, K), ascending, and how many of so many of the nearest take part (N, K) -> (N,), to the k-th
    that does; to the last that is known, if there are fewer."""
    return d2.gather(1, (order < k).sum(dim=1, keepdim=True).clamp_(max=d2.shape[1] - 1))[:, 0]


def _nearest_others(x: Tensor) -> tuple[Tensor, Tensor]:
    """x (N, D) -> squared distances (N, K), ascending, and rows (N, K) of the nearest others."""
    count, found, start = min(NEAREST, len(x) - 1), [], 0
    for block in distances(x, x):
        rows = torch.arange(len(block))
        block[rows, start + rows] = torch.inf
        found.append(block.topk(count, dim=1, largest=False).indices)
        start += len(block)
    index = torch.cat(found)
    d2 = squared(x, x, torch.arange(len(x)).repeat_interleave(count), index.flatten()).view(-1, count)
    order = d2.argsort(dim=1)
    return d2.gather(1, order), index.gather(1, order)


def _count(which: Tensor, of: int) -> int:
    """How many different items are among `which`."""
    return int(torch.zeros(of, dtype=torch.bool).index_fill_(0, which, True).count_nonzero())
