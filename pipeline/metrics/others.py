"""The nearest other points of a sample, exactly; each pair is looked at once.

Block by block, bounds of all distances (`screen`) give each point an upper bound of its k-th smallest distance. A pair
that lies above the bounds of both of its points cannot matter; the few that are left are computed in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.metrics.neighbours import OPEN, nearest, squared
from pipeline.metrics.screen import FEW, Sample, Screen, halved
from pipeline.metrics.smallest import smallest, smallest_of_each, upper_bounds


def nearest_others(x: Tensor, sample: Sample, *, count: int) -> Tensor:
    """x (N, D), N > count, and prepared -> squared distances (N, count) float64, ascending, to the nearest of the other rows."""
    if x.shape[1] <= FEW:
        _, index = nearest(x, x, count=count + 1)
        every = torch.arange(len(x)).repeat_interleave(count)
        return squared(x, x, every, index[:, 1:].flatten()).view(-1, count)  # column 0 is the point itself
    i, j = _candidates(sample, count)
    d2 = squared(x, x, i, j)
    both, twice = torch.cat([i, j]), torch.cat([d2, d2])
    return twice[smallest_of_each(both, twice, count)]


def _candidates(sample: Sample, count: int) -> tuple[Tensor, Tensor]:
    """The pairs (P,), (P,) that may be among the `count` nearest of either point."""
    bounds = torch.full((len(sample.length), count), torch.inf, dtype=torch.float64)
    found = [_kept(screen, bounds) for screen in halved(sample)]
    i, j, least = (torch.cat(part) for part in zip(*found, strict=True))
    kept = least <= torch.maximum(bounds[i, -1], bounds[j, -1])
    return i[kept], j[kept]


def _kept(screen: Screen, bounds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The pairs that may matter (P,), (P,) and their least, by the bounds (N, count), which the screen lowers."""
    count, after = len(screen.least), bounds[screen.start :]
    seen = torch.ones(count, count, dtype=torch.bool).tril_()  # the points themselves, and pairs of this block
    screen.least[:, :count].masked_fill_(seen, torch.inf)
    most = screen.least + screen.slack
    lower = _lowered(after, most.T)
    lower[:count] = _lowered(lower[:count], most)
    about = lower[:, -1].to(screen.least.dtype)
    i, j = (screen.least <= torch.maximum(about[:count, None], about)).nonzero(as_tuple=True)
    needed = bounds.shape[1] * (count + len(after))
    if screen.finer is not None and len(i) > 2 * needed + OPEN * screen.least.numel():
        return _kept(screen.finer(), bounds)
    after.copy_(lower)
    return i + screen.start, j + screen.start, screen.least[i, j]


def _lowered(bounds: Tensor, most: Tensor) -> Tensor:
    """Bounds (N, count) and most (N, M) -> (N, count)."""
    count = bounds.shape[1]
    return smallest(torch.cat([bounds, upper_bounds(most, count).to(bounds.dtype)], dim=1), count)
