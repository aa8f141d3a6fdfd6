"""Precision, recall, density and coverage of any halves of two samples, with the radii of each half.

The nearest neighbours of each point and the pairs that may lie in each other's balls are found once. A half then only
has to select among them: `pipeline.metrics.evaluation.half_samples` has the intervals that follow.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.evaluation.half_samples import Halves, enough
from pipeline.metrics.neighbours.nearest import distances, squared

NEAREST = 32
"""Neighbours of each point among which the k-th of a half is looked for: it is farther with a probability of 1e-5."""
SLACK = 1e-6
"""Relative error of the distances that pairs are chosen by."""


class Scores(NamedTuple):
    """Metrics of both halves of each split, (S, 2) float64."""

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor
    density_ratio: float
    """J(N, M) / J(N/2, M/2) of the density."""


class PRDC(NamedTuple):
    """Metrics of one half."""

    precision: float
    recall: float
    density: float
    coverage: float
    density_jackknife: float
    """The variance of the density by the delete-one jackknife."""


def scores_of_halves(
    halves: Halves, *, real: Tensor, fake: Tensor, neighbours: int, coverage_neighbours: int
) -> Scores:
    """real (N, D), fake (M, D) -> precision, recall, density and coverage of the halves, radii recomputed.

    Computed on the device of the points; what is returned is on the CPU.

    Raises:
        ValueError: half a sample has too few points to have that many neighbours.
    """
    most = max(neighbours, coverage_neighbours)
    if not enough(min(len(real), len(fake)), most):
        raise ValueError(f"half of {min(len(real), len(fake))} points have no {most} neighbours each")
    found = Neighbourhoods(real, fake, neighbours, coverage_neighbours)
    first = zip(halves.real.to(real.device), halves.fake.to(fake.device), strict=True)
    each = [[found.score(r, f), found.score(~r, ~f)] for r, f in first]
    precision, recall, density, coverage, jackknife = torch.tensor(each, dtype=torch.float64).unbind(dim=2)
    every = (torch.ones(len(x), dtype=torch.bool, device=x.device) for x in (real, fake))
    whole = found.score(*every).density_jackknife
    below = float(jackknife.mean())
    return Scores(precision, recall, density, coverage, whole / below if below > 0 else 0.5)


def scores_without_each_real(
    *, real: Tensor, fake: Tensor, neighbours: int, coverage_neighbours: int
) -> tuple[Tensor, ...]:
    """Precision, recall, density and coverage, (N,) each, without each of the real items (N, D), N >= 2 neighbours."""
    found = Neighbourhoods(real, fake, neighbours, coverage_neighbours)
    every = torch.ones(len(fake), dtype=torch.bool, device=fake.device)
    masks = ~torch.eye(len(real), dtype=torch.bool, device=real.device)
    return torch.tensor([found.score(r, every)[:4] for r in masks], dtype=torch.float64).unbind(dim=1)


class Neighbourhoods:
    """The distances that decide the metrics of any half of two samples."""

    def __init__(self, real: Tensor, fake: Tensor, inner: int, outer: int) -> None:
        self.inner, self.outer = inner, outer
        self.d2_real, self.index_real = _nearest_others(real)
        self.d2_fake, self.index_fake = _nearest_others(fake)
        self.i, self.j, self.d2 = self._pairs(real, fake)

    def score(self, real: Tensor, fake: Tensor) -> PRDC:
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
        return PRDC(precise / m, recalled / n, density, covered / n, varied)

    def _pairs(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        reach = self.d2_real[:, -1].sqrt() * (1 + SLACK), self.d2_fake[:, -1].sqrt() * (1 + SLACK)
        found, start = [], 0
        for block in distances(real, fake):
            rows = slice(start, start + len(block))
            near = block <= torch.maximum(reach[0][rows, None], reach[1])
            found.append(near.nonzero() + torch.tensor([start, 0], device=near.device))
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
        rows = torch.arange(len(block), device=x.device)
        block[rows, start + rows] = torch.inf
        found.append(block.topk(count, dim=1, largest=False).indices)
        start += len(block)
    index = torch.cat(found)
    d2 = squared(x, x, torch.arange(len(x), device=x.device).repeat_interleave(count), index.flatten()).view(-1, count)
    order = d2.argsort(dim=1)
    return d2.gather(1, order), index.gather(1, order)


def _count(which: Tensor, of: int) -> int:
    """How many different items are among `which`."""
    return int(torch.zeros(of, dtype=torch.bool, device=which.device).index_fill_(0, which, True).count_nonzero())
