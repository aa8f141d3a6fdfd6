"""Exact Euclidean distances and nearest neighbours, in blocks: never a matrix of all pairs.

few dimensions     a k-d tree
more               bounds of all distances (`screen`). What they leave open, few pairs, is asked again of the
                   differences in float64: the answers are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from scipy.spatial import KDTree
from torch import Tensor

from pipeline.metrics.prepared import FEW, Sample, prepared
from pipeline.metrics.screen import BLOCK, halved, screened
from pipeline.metrics.search import search

VALUES = 2**19
"""Of the differences that are held at a time: as many as a cache holds."""


def squared(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Rows i (P,) of a (N, D) and j (P,) of b (M, D) -> (P,) float64: |a_i - b_j|²."""
    size = max(1, VALUES // a.shape[1])
    found = torch.empty(len(i), dtype=torch.float64)
    for some, p, q in zip(found.split(size), i.split(size), j.split(size), strict=True):
        gap = a.index_select(0, p).double().sub_(b.index_select(0, q))
        torch.sum(gap.mul_(gap), dim=1, out=some)
    return found


def nearest(x: Tensor, of: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """x (N, D), of (M, D), M >= count -> distances (N, count) float64, ascending, and their rows in `of` (N, count).

    Raises:
        ValueError: a value is not finite.
    """
    if x.shape[1] <= FEW:
        found = KDTree(of.double().numpy()).query(x.double().numpy(), k=range(1, count + 1))
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])
    there, here = prepared(of, x)
    d2, index = search(screened(here, there), partial(squared, here.x, there.x), rows=len(x), count=count)
    return here.restored(d2.sqrt()), here.restored(there.order[index])


def nearest_others(x: Sample, *, count: int) -> Tensor:
    """x of N > count points -> squared distances (N, count) float64, ascending, to the nearest of the other points."""
    rows = len(x.order)
    if x.rows.dims <= FEW:
        _, index = nearest(x.x, x.x, count=count + 1)
        every = torch.arange(rows).repeat_interleave(count)
        return squared(x.x, x.x, every, index[:, 1:].flatten()).view(-1, count)  # column 0 is the point itself
    return search(halved(x), partial(squared, x.x, x.x), rows=rows, count=count, halved=True)[0]


def distances(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Tensor]:
    """a (N, D), b (M, D) -> blocks (<= block, M) float64 of all distances of the N rows, in order."""
    few = a.shape[1] <= FEW
    mode = "donot_use_mm_for_euclid_dist" if few else "use_mm_for_euclid_dist"
    centre = b.double().mean(dim=0)
    for rows in torch.split(a.double() - centre, block):
        yield torch.cdist(rows, b.double() - centre, compute_mode=mode)
