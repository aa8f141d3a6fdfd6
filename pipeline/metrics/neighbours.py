"""Exact Euclidean distances and nearest neighbours, in blocks: never a matrix of all pairs.

    few dimensions     a k-d tree
    more               bounds of all distances (`screen`). What they leave open, few pairs, is asked again of the
                       differences in float64: the answers are exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from scipy.spatial import KDTree
from torch import Tensor

from pipeline.metrics.screen import BLOCK, FEW, Screen, prepared, screened
from pipeline.metrics.smallest import smallest_of_each, upper_bounds

VALUES = 2**19
"""Of the differences that are held at a time: as many as a cache holds."""
OPEN = 2**-8
"""Share of the pairs that a screen may leave open before a finer one pays."""


def squared(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Rows i (P,) of a (N, D) and j (P,) of b (M, D) -> (P,) float64: |a_i - b_j|²."""
    size = max(1, VALUES // a.shape[1])
    parts = zip(torch.split(i, size), torch.split(j, size), strict=True)
    return torch.cat([_squared(a.index_select(0, i), b.index_select(0, j)) for i, j in parts])


def _squared(a: Tensor, b: Tensor) -> Tensor:
    gap = a.double().sub_(b)
    return gap.mul_(gap).sum(dim=1)


def nearest(x: Tensor, of: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """x (N, D), of (M, D) -> distances (N, count) float64, ascending, and their rows in `of` (N, count)."""
    if x.shape[1] <= FEW:
        found = KDTree(of.double().numpy()).query(x.double().numpy(), k=range(1, count + 1))
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])
    distance = torch.empty(len(x), count, dtype=torch.float64)
    index = torch.empty(len(x), count, dtype=torch.long)
    there, here = prepared(of, x)
    for screen in screened(here, there):
        rows = slice(screen.start, screen.start + len(screen.least))
        i, j = _candidates(screen, count)
        gap = squared(x[rows], of, i, j).sqrt()
        kept = smallest_of_each(i, gap, count)
        distance[rows], index[rows] = gap[kept], j[kept]
    return distance, index


def _candidates(screen: Screen, count: int) -> tuple[Tensor, Tensor]:
    """The pairs (P,), (P,) that may be among the `count` nearest of a row."""
    i, j = (screen.least <= upper_bounds(screen.least + screen.slack, count)[:, -1:]).nonzero(as_tuple=True)
    if screen.finer is not None and len(i) > OPEN * screen.least.numel():
        return _candidates(screen.finer(), count)
    return i, j


def distances(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Tensor]:
    """a (N, D), b (M, D) -> blocks (<= block, M) float64 of all distances of the N rows, in order."""
    few = a.shape[1] <= FEW
    mode = "donot_use_mm_for_euclid_dist" if few else "use_mm_for_euclid_dist"
    centre = b.double().mean(dim=0)
    for rows in torch.split(a.double() - centre, block):
        yield torch.cdist(rows, b.double() - centre, compute_mode=mode)
