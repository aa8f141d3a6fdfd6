"""The few smallest of many values, row by row."""

from __future__ import annotations

import torch
from torch import Tensor

GROUPS = 16


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
    return order[first[:, None] + torch.arange(count)]
