"""Exact Euclidean distances and nearest neighbours, in blocks: never a matrix of all pairs.

few dimensions     a k-d tree
more               bounds of all distances (`distance_bounds`). The few pairs that they leave open are computed from
                   differences in float64: the answers are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from scipy.spatial import KDTree
from torch import Tensor

from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.neighbours.distance_bounds import BLOCK, FEW, CenteredSample, all_pairs, centered, half_pairs
from pipeline.metrics.neighbours.search import search, smallest

SPARE = 4
"""Neighbours that a k-d tree is asked for beyond those that are needed: it rounds differently from `squared`."""
VALUES = 2**19
"""Of the differences that are held at a time: as many as a cache holds."""


def squared(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Rows i (P,) of a (N, D) and j (P,) of b (M, D) -> (P,) float64: |a_i - b_j|².

    The value of a pair does not depend on the other pairs, nor on which of the two comes first.
    """
    if len(i) == 1:  # torch sums a single long row in another order, with several threads
        return squared(a, b, i.repeat(2), j.repeat(2))[:1]
    parts = math.ceil(len(i) / max(4, VALUES // a.shape[1]))  # no part of one row
    found = torch.empty(len(i), dtype=torch.float64, device=a.device)
    for some, p, q in zip(*(x.tensor_split(max(1, parts)) for x in (found, i, j)), strict=True):
        gap = a.index_select(0, p).double().sub_(b.index_select(0, q))
        torch.sum(gap.mul_(gap), dim=1, out=some)
    return found


def nearest(x: Tensor, of: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """x (N, D), of (M, D), M >= count -> distances (N, count) float64, ascending, and their rows in `of` (N, count).

    Raises:
        FloatingPointError: a value is not finite; the message has the item's index.
    """
    check_finite(x, "item")
    check_finite(of, "item")
    if x.shape[1] <= FEW:
        found = KDTree(of.double().cpu().numpy()).query(x.double().cpu().numpy(), k=range(1, count + 1))
        return torch.from_numpy(found[0]).to(x.device), torch.from_numpy(found[1]).to(x.device)
    there, here = centered(of, x)
    exact = partial(squared, here.x, there.x)
    d2, index = search(all_pairs(here, there), exact, rows=len(x), count=count, device=x.device)
    return here.restored(d2.sqrt()), here.restored(there.order[index])


def nearest_others(x: CenteredSample, *, count: int) -> Tensor:
    """x of N > count points -> squared distances (N, count) float64, ascending, to the nearest of the other points."""
    rows = len(x.order)
    if x.rows.dims <= FEW:
        points = x.x.double().cpu().numpy()
        width = min(count + 1 + SPARE, rows)
        index = torch.from_numpy(KDTree(points).query(points, k=range(1, width + 1))[1]).to(x.x.device)
        every = torch.arange(rows, device=x.x.device)
        found = squared(x.x, x.x, every.repeat_interleave(width), index.flatten()).view(-1, width)
        found[index == every[:, None]] = torch.inf  # the point itself, absent where it has that many duplicates
        return smallest(found, count)
    exact = partial(squared, x.x, x.x)
    return search(half_pairs(x), exact, rows=rows, count=count, device=x.x.device, halved=True)[0]


def distances(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Tensor]:
    """a (N, D), b (M, D) -> blocks (<= block, M) float64 of all distances of the N rows, in order."""
    few = a.shape[1] <= FEW
    mode = "donot_use_mm_for_euclid_dist" if few else "use_mm_for_euclid_dist"
    centre = b.double().mean(dim=0)
    columns = b.double() - centre
    for rows in torch.split(a.double() - centre, block):
        yield torch.cdist(rows, columns, compute_mode=mode)


def squared_radii(x: Tensor, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    """The squared distance of each point to its k-th nearest other point.

    Args:
        x: (N, D).
        neighbours: the k, each below N.

    Returns:
        (N,) float64 for each k.

    Raises:
        ValueError: there are too few points to have that many neighbours.
        FloatingPointError: a value is not finite; the message has the item's index.
    """
    (sample,) = centered(x)
    return tuple(sample.restored(radii) for radii in radii_of(sample, neighbours))


def radii_of(x: CenteredSample, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Like `squared_radii`, in the order of the sample."""
    count, most = len(x.order), max(neighbours)
    if count <= most:
        raise ValueError(f"{count} points have no {most} neighbours each: at least {most + 1} are needed")
    distance = nearest_others(x, count=most)
    return tuple(distance[:, k - 1] for k in neighbours)
