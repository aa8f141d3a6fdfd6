"""Which pairs may be among the nearest, by bounds of their distances (`screen`).

Block by block the upper bounds seen so far bound the k-th smallest distance of each point. A pair whose lower bound
lies above that cannot be among the k nearest. The bounds fall, so few pairs are kept, and fewer are left at the end.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.metrics.screen import OPEN, Screen
from pipeline.metrics.smallest import smallest, upper_bounds

Pairs = tuple[Tensor, Tensor]
"""Rows of a (P,) and of b (P,)."""


def candidates(screens: Iterator[Screen], rows: int, count: int, *, halved: bool = False) -> Pairs:
    """Screens of so many rows and all others -> the pairs that may be among the `count` nearest of a row. Or, of a
    sample's halved screens, of either of the two: without the points themselves, and each pair once."""
    bounds = torch.full((rows, count), torch.inf, dtype=torch.float64)
    found = [_kept(screen, bounds, halved) for screen in screens]
    i, j, least = (torch.cat(part) for part in zip(*found, strict=True))
    kept = least <= bounds[i, -1]
    if halved:
        kept |= least <= bounds[j, -1]
    return i[kept], j[kept]


def _kept(screen: Screen, bounds: Tensor, halved: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The pairs (P,), (P,) that may matter and their least (P,), by the bounds (N, count), which the screen lowers."""
    rows, columns, least = screen.rows, screen.columns, screen.least
    if halved and rows == columns:
        least.masked_fill_(torch.ones_like(least, dtype=torch.bool).tril_(), torch.inf)
    before, most = bounds.clone(), least + screen.slack
    _lower(bounds[rows], most)
    maybe = least <= _last(bounds[rows], least)[:, None]
    if halved:
        _lower(bounds[columns], most.T)
        maybe |= least <= _last(bounds[columns], least)
    i, j = maybe.nonzero(as_tuple=True)
    needed = 2 * bounds.shape[1] * sum(least.shape)
    if screen.finer is not None and len(i) > needed + OPEN * least.numel():
        bounds.copy_(before)
        return _kept(screen.finer(), bounds, halved)
    return i + rows.start, j + columns.start, least[i, j]


def _lower(bounds: Tensor, most: Tensor) -> None:
    """Bounds (N, count), which are written over, by upper bounds of other pairs (N, M)."""
    count = bounds.shape[1]
    bounds.copy_(smallest(torch.cat([bounds, upper_bounds(most, count).to(bounds.dtype)], dim=1), count))


def _last(bounds: Tensor, like: Tensor) -> Tensor:
    return bounds[:, -1].to(like.dtype)
