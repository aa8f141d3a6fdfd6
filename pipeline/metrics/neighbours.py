"""Exact Euclidean distances and nearest neighbours, in blocks: never a matrix of all pairs.

    few dimensions     the differences themselves, and a k-d tree for the nearest
    many               |a|² + |b|² - 2 a·b about a common origin, in float32, with a bound on its error. What the bound
                       leaves open, few pairs, is asked again of the differences in float64: the answers are exact.

The bound: the rounding of a and b about the origin, of the product of length D, of the norms and of the sums puts
|a - b|² off by more than (8 sqrt(D) + 16) u (|a| + |b|)², u = 2^-24, with a probability below D exp(-32) (Higham, Mary
2019, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from scipy.spatial import KDTree
from torch import Tensor

BLOCK = 512
FEW = 16
"""Dimensions up to which a k-d tree pays, and the differences cost about as much as the product, at most twice."""
VALUES = 2**18
"""Of the differences that are held at a time: as many as a cache holds."""


class Screen(NamedTuple):
    """Squared distances of some rows to all of the others."""

    start: int
    """The first of these rows."""
    d2: Tensor
    """(rows, M)."""
    error: float
    """None is further off than this."""


def screened(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Screen]:
    """a (N, D), b (M, D) -> blocks of the N rows, in order; each is written over by the next."""
    dims = a.shape[1]
    kind = torch.float64 if dims <= FEW else torch.float32
    origin = b.mean(dim=0)
    a, b = a.to(kind) - origin, b.to(kind) - origin
    norms, others = (x.square().sum(dim=1, dtype=torch.float64) for x in (a, b))  # (N,), (M,)
    relative = (8 * math.sqrt(dims) + 16) * torch.finfo(kind).eps / 2
    errors = relative * (norms.sqrt() + others.max().sqrt()).square()  # (N,)
    norms, others = norms.to(kind), others.to(kind)
    room = torch.empty(min(block, len(a)), len(b), dtype=kind)
    for start in range(0, len(a), block):
        rows = slice(start, start + block)
        d2 = torch.addmm(others, a[rows], b.T, alpha=-2, out=room[: len(a[rows])])
        yield Screen(start, d2.add_(norms[rows, None]), float(errors[rows].max()))


def squared(a: Tensor, b: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Rows i (P,) of a (N, D) and j (P,) of b (M, D) -> (P,) float64: |a_i - b_j|²."""
    size = max(1, VALUES // a.shape[1])
    parts = zip(torch.split(i, size), torch.split(j, size), strict=True)
    return torch.cat([(a[i].double() - b[j].double()).square().sum(dim=1) for i, j in parts])


def nearest(x: Tensor, of: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """x (N, D), of (M, D) -> distances (N, count) float64, ascending, and their rows in `of` (N, count)."""
    if x.shape[1] <= FEW:
        found = KDTree(of.double().numpy()).query(x.double().numpy(), k=range(1, count + 1))
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])
    distance = torch.empty(len(x), count, dtype=torch.float64)
    index = torch.empty(len(x), count, dtype=torch.long)
    for start, d2, error in screened(x, of):
        at_most = d2.topk(count, dim=1, largest=False).values[:, -1:] + 2 * error
        i, j = (d2 <= at_most).nonzero(as_tuple=True)
        rows = slice(start, start + len(d2))
        distance[rows], index[rows] = _smallest(i, j, squared(x[rows], of, i, j).sqrt(), count)
    return distance, index


def _smallest(i: Tensor, j: Tensor, value: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Values (P,) in the places i (P,), ascending, j (P,), `count` in each row at least -> the smallest of each row
    (rows, count), ascending, and their columns."""
    order = value.argsort(stable=True)
    order = order[i[order].argsort(stable=True)]
    each = i.bincount()
    first = each.cumsum(0) - each
    kept = order[first[:, None] + torch.arange(count)]  # (rows, count)
    return value[kept], j[kept]


def distances(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Tensor]:
    """a (N, D), b (M, D) -> blocks (<= block, M) float64 of all distances of the N rows, in order."""
    few = a.shape[1] <= FEW
    mode = "donot_use_mm_for_euclid_dist" if few else "use_mm_for_euclid_dist"
    centre = b.double().mean(dim=0)
    for rows in torch.split(a.double() - centre, block):
        yield torch.cdist(rows, b.double() - centre, compute_mode=mode)
