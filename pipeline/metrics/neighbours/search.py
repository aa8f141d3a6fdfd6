"""The nearest of many points, exactly, from bounds of their distances (`distance_bounds`).

Block by block the upper bounds that were seen bound the k-th smallest distance of each point. A pair whose lower bound
is no less cannot be among the k nearest. The others are collected, and computed when they are many, or at the end, when
the bounds have fallen and few are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pipeline.metrics.neighbours.distance_bounds import BoundedBlock

Exact = Callable[[Tensor, Tensor], Tensor]
"""Rows of a (P,) and of b (P,) -> their squared distances (P,) float64."""
PENDING = 64
"""Pairs for each point that are collected before they are computed."""
GROUPS = 16


def search(
    blocks: Iterator[BoundedBlock], exact: Exact, *, rows: int, count: int, device: torch.device, halved: bool = False
) -> tuple[Tensor, Tensor]:
    """The nearest of the columns of some blocks.

    Args:
        blocks: all pairs of `rows` points and others; with `halved`, each pair of points of one sample once.
        exact: the squared distances of pairs.
        rows: the number of points.
        count: how many neighbours of each.
        device: of the points.
        halved: whether the blocks are of one sample, whose points are not neighbours of themselves.

    Returns:
        Squared distances (rows, count) float64, ascending, and which points they are to.
    """
    found = _Search(exact, rows, count, halved, device)
    for block in blocks:
        found.add(block)
    found.compute()
    return found.d2, found.index


class _Search:
    def __init__(self, exact: Exact, rows: int, count: int, halved: bool, device: torch.device) -> None:
        self.exact, self.halved, self.count = exact, halved, count
        self.d2 = torch.full((rows, count), torch.inf, dtype=torch.float64, device=device)
        self.index = torch.full((rows, count), -1, device=device)
        self.bounds = self.d2
        """(rows, count), ascending: the m-th smallest distance is no larger than the m-th."""
        self.pending: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, block: BoundedBlock) -> None:
        """Collect the pairs that may matter. WHY one block at a time: a pair must bound its points but once."""
        if self.halved and block.rows == block.columns:  # without the points themselves, and each pair once
            block.least.masked_fill_(torch.ones_like(block.least, dtype=torch.bool).tril_(), torch.inf)
        bounds = self._lowered(block)
        maybe = self._matters(block.least, *(_rounded_up(bounds[part, -1], block.least.dtype) for part in block[:2]))
        needed = 2 * self.count * sum(maybe.shape)
        if block.finer is not None and maybe.count_nonzero() > needed + block.open:
            return self.add(block.finer())
        self.bounds = bounds
        i, j = maybe.nonzero(as_tuple=True)
        self.pending.append((i + block.rows.start, j + block.columns.start, block.least[i, j]))
        if sum(len(i) for i, _, _ in self.pending) > PENDING * len(bounds):
            self.compute()
        return None

    def compute(self) -> None:
        """Compute the collected pairs that may still matter under the bounds of now."""
        if not self.pending:
            return
        i, j, least = (torch.cat(part) for part in zip(*self.pending, strict=True))
        still = least < self.bounds[i, -1]
        if self.halved:
            still |= least < self.bounds[j, -1]
        i, j = i[still], j[still]
        d2 = self.exact(i, j)
        self._merge(*((torch.cat([i, j]), torch.cat([j, i]), d2.repeat(2)) if self.halved else (i, j, d2)))
        self.bounds = torch.minimum(self.bounds, self.d2)
        self.pending = []

    def _lowered(self, block: BoundedBlock) -> Tensor:
        bounds, most = self.bounds.clone(), block.least + block.slack
        for part, of in ((block.rows, most), (block.columns, most.T))[: 1 + self.halved]:
            upper = upper_bounds(of, self.count).to(bounds.dtype)
            bounds[part] = smallest(torch.cat([bounds[part], upper], dim=1), self.count)
        return bounds

    def _matters(self, least: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        maybe = least < rows[:, None]
        return maybe.logical_or_(least < columns) if self.halved else maybe

    def _merge(self, i: Tensor, j: Tensor, d2: Tensor) -> None:
        every = torch.arange(len(self.d2), device=i.device).repeat_interleave(self.count)
        value, index = torch.cat([self.d2.flatten(), d2]), torch.cat([self.index.flatten(), j])
        chosen = smallest_of_each(torch.cat([every, i]), value, self.count)
        self.d2, self.index = value[chosen], index[chosen]


def _rounded_up(x: Tensor, kind: torch.dtype) -> Tensor:
    """x float64 -> the smallest numbers of the other kind that are no less."""
    near = x.to(kind)
    return torch.where(near.double() < x, near.nextafter(torch.full_like(near, torch.inf)), near)


def upper_bounds(x: Tensor, count: int) -> Tensor:
    """x (N, M) -> (N, count), ascending: so many values of each row are no larger. Of groups' minima, for these are
    fast; inf where a row has too few."""
    size = x.shape[1] // GROUPS
    if size >= count:
        x = x[:, : GROUPS * size].unflatten(1, (GROUPS, size)).amin(dim=1)
    return smallest(x, count)


def smallest(x: Tensor, count: int) -> Tensor:
    """x (N, M) -> (N, count), ascending, with inf where M is less."""
    found = x.topk(min(count, x.shape[1]), dim=1, largest=False).values
    return torch.nn.functional.pad(found, (0, count - found.shape[1]), value=torch.inf)


def smallest_of_each(i: Tensor, value: Tensor, count: int) -> Tensor:
    """Values (P,) that belong to the rows i (P,), `count` to each row at least -> (rows, count): where the smallest
    of each row stand, ascending."""
    order = value.argsort(stable=True)
    order = order[i[order].argsort(stable=True)]
    each = i.bincount()
    first = each.cumsum(0) - each
    return order[first[:, None] + torch.arange(count, device=i.device)]
