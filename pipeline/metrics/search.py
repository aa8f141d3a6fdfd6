"""The nearest of many points, exactly, from bounds of their distances (`screen`).

Block by block the upper bounds that were seen bound the k-th smallest distance of each point. A pair whose lower bound
is no less cannot be among the k nearest. The others are kept, and computed when they have become many, or at the end,
when the bounds have fallen and few are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pipeline.metrics.screen import Screen
from pipeline.metrics.smallest import smallest, smallest_of_each, upper_bounds

Exact = Callable[[Tensor, Tensor], Tensor]
"""Rows of a (P,) and of b (P,) -> their squared distances (P,) float64."""
KEPT = 64
"""Pairs for each point that are kept before they are computed."""


def search(
    screens: Iterator[Screen], exact: Exact, *, rows: int, count: int, halved: bool = False
) -> tuple[Tensor, Tensor]:
    """Screens of so many rows and all others -> the squared distances (rows, count) float64, ascending, to the nearest,
    and which they are. Or, of a sample's halved screens, to the nearest others of either of the two."""
    found = _Search(exact, rows, count, halved)
    for screen in screens:
        found.look(screen)
    found.compute()
    return found.d2, found.index


class _Search:
    def __init__(self, exact: Exact, rows: int, count: int, halved: bool) -> None:
        self.exact, self.halved, self.count = exact, halved, count
        self.d2 = torch.full((rows, count), torch.inf, dtype=torch.float64)
        self.index = torch.full((rows, count), -1)
        self.bounds = self.d2
        """(rows, count), ascending: the m-th smallest distance is no larger than the m-th."""
        self.kept: list[tuple[Tensor, Tensor, Tensor]] = []

    def look(self, screen: Screen) -> None:
        """Keep the pairs that may matter. WHY one screen at a time: a pair must bound its points but once."""
        if self.halved and screen.rows == screen.columns:  # without the points themselves, and each pair once
            screen.least.masked_fill_(torch.ones_like(screen.least, dtype=torch.bool).tril_(), torch.inf)
        bounds = self._lowered(screen)
        maybe = self._matters(screen.least, *(_rounded_up(bounds[part, -1], screen.least.dtype) for part in screen[:2]))
        needed = 2 * self.count * sum(maybe.shape)
        if screen.finer is not None and maybe.count_nonzero() > needed + screen.open:
            return self.look(screen.finer())
        self.bounds = bounds
        i, j = maybe.nonzero(as_tuple=True)
        self.kept.append((i + screen.rows.start, j + screen.columns.start, screen.least[i, j]))
        if sum(len(i) for i, _, _ in self.kept) > KEPT * len(bounds):
            self.compute()
        return None

    def compute(self) -> None:
        """What was kept, where the bounds still let it matter."""
        if not self.kept:
            return
        i, j, least = (torch.cat(part) for part in zip(*self.kept, strict=True))
        still = least < self.bounds[i, -1]
        if self.halved:
            still |= least < self.bounds[j, -1]
        i, j = i[still], j[still]
        d2 = self.exact(i, j)
        self._merge(*((torch.cat([i, j]), torch.cat([j, i]), d2.repeat(2)) if self.halved else (i, j, d2)))
        self.bounds = torch.minimum(self.bounds, self.d2)
        self.kept = []

    def _lowered(self, screen: Screen) -> Tensor:
        bounds, most = self.bounds.clone(), screen.least + screen.slack
        for part, of in ((screen.rows, most), (screen.columns, most.T))[: 1 + self.halved]:
            upper = upper_bounds(of, self.count).to(bounds.dtype)
            bounds[part] = smallest(torch.cat([bounds[part], upper], dim=1), self.count)
        return bounds

    def _matters(self, least: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        maybe = least < rows[:, None]
        return maybe.logical_or_(least < columns) if self.halved else maybe

    def _merge(self, i: Tensor, j: Tensor, d2: Tensor) -> None:
        every = torch.arange(len(self.d2)).repeat_interleave(self.count)
        value, index = torch.cat([self.d2.flatten(), d2]), torch.cat([self.index.flatten(), j])
        chosen = smallest_of_each(torch.cat([every, i]), value, self.count)
        self.d2, self.index = value[chosen], index[chosen]


def _rounded_up(x: Tensor, kind: torch.dtype) -> Tensor:
    """x float64 -> the smallest numbers of the other kind that are no less."""
    near = x.to(kind)
    return torch.where(near.double() < x, near.nextafter(torch.full_like(near, torch.inf)), near)
