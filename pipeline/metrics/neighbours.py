"""Exact Euclidean distances and nearest neighbours, in blocks: never a matrix of all pairs.

Few dimensions take the differences themselves and a k-d tree; many take |a|² + |b|² - 2 a·b about the common mean.
Both in float64: in float32 the matrix form is wrong by 3e-4 of the data's diameter, more than the whole width of a
tight cluster, and in few dimensions the direct form in float64 costs no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from scipy.spatial import KDTree
from torch import Tensor

BLOCK = 256
FEW = 16
"""Dimensions up to which a k-d tree pays, and the direct form costs about as much as the matrix form, at most twice."""


def distances(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Tensor]:
    """a (N, D), b (M, D) -> blocks (<= block, M) float64 of the N rows, in order."""
    if a.shape[1] <= FEW:
        mode = "donot_use_mm_for_euclid_dist"
        a, b = a.double(), b.double()
    else:
        mode = "use_mm_for_euclid_dist"
        centre = b.double().mean(dim=0)
        a, b = a.double() - centre, b.double() - centre
    for rows in torch.split(a, block):
        yield torch.cdist(rows, b, compute_mode=mode)


def nearest(x: Tensor, of: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """x (N, D), of (M, D) -> distances (N, count) float64, ascending, and their rows in `of` (N, count)."""
    if x.shape[1] <= FEW:
        found = KDTree(of.double().numpy()).query(x.double().numpy(), k=range(1, count + 1))
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])
    return smallest(distances(x, of), len(x), count=count)


def smallest(blocks: Iterable[Tensor], rows: int, *, count: int) -> tuple[Tensor, Tensor]:
    """Blocks (<= block, M) of `rows` rows -> in each row the smallest values (rows, count), ascending, and where.

    Filled in place: small results kept between large blocks would hold every block's memory on the heap.
    """
    values, index = torch.empty(rows, count, dtype=torch.float64), torch.empty(rows, count, dtype=torch.long)
    start = 0
    for block in blocks:
        stop = start + len(block)
        torch.topk(block, count, dim=1, largest=False, out=(values[start:stop], index[start:stop]))
        start = stop
    return values, index
