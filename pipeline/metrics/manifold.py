"""Precision, recall, density, coverage: how two samples' k-nearest-neighbour balls overlap.

    R_i, F_j     the open ball about real_i or fake_j whose radius is the distance to its k-th nearest other point
    precision    share of fake points in the union of all R        recall     share of real points in the union of all F
    density      mean number of R that a fake point lies in, / k   coverage   share of R with a fake point in them

Precision and recall use k = 3, density and coverage k = 5 by default: of identical distributions coverage is
1 - 2^-5 = .969 and density 1, while precision and recall are well below 1. Recall is not the support that is covered;
all but density reward copying.

Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020, arXiv:2002.09797.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.neighbours import nearest_others, squared
from pipeline.metrics.screen import BLOCK, OPEN, Sample, Screen, prepared, screened

Exact = Callable[[Tensor, Tensor], Tensor]
"""The exact squared distances of pairs of rows (P,), (P,)."""


class Manifold(NamedTuple):
    """Higher is better for each; all but density lie in [0, 1]."""

    precision: float
    recall: float
    density: float
    coverage: float


class Memberships(NamedTuple):
    """Who lies in whose balls, item by item."""

    precise: Tensor
    """(M,) bool: a fake point in some R."""
    recalled: Tensor
    """(N,) bool: a real point in some F."""
    inside: Tensor
    """(M,) long: the number of larger R that a fake point lies in."""
    covered: Tensor
    """(N,) bool: a larger R with a fake point in it."""


def manifold(
    *, real: Tensor, fake: Tensor, neighbours: int = 3, coverage_neighbours: int = 5, block: int = BLOCK
) -> Manifold:
    """real (N, D), fake (M, D); memory is O(block x max(N, M)).

    Raises:
        ValueError: a sample has too few points to have that many neighbours.
    """
    found = memberships(
        real=real, fake=fake, neighbours=neighbours, coverage_neighbours=coverage_neighbours, block=block
    )
    return shares(found, coverage_neighbours)


def shares(found: Memberships, coverage_neighbours: int) -> Manifold:
    """The means over items."""
    precision, recall, density, coverage = (part.double().mean().item() for part in found)
    return Manifold(precision, recall, density / coverage_neighbours, coverage)


def memberships(
    *, real: Tensor, fake: Tensor, neighbours: int = 3, coverage_neighbours: int = 5, block: int = BLOCK
) -> Memberships:
    """Like `manifold`, before the means."""
    there, here = prepared(real, fake)
    inner, outer = squared_radii(real, there, (neighbours, coverage_neighbours))  # (N,), (N,)
    (reach,) = squared_radii(fake, here, (neighbours,))  # (M,)
    precise, covered = torch.zeros(len(fake), dtype=torch.bool), torch.zeros(len(real), dtype=torch.bool)
    recalled, inside = torch.zeros_like(covered), torch.zeros(len(fake), dtype=torch.long)
    for screen in screened(there, here, block=block):
        rows, columns = screen.rows, screen.columns
        exact = partial(squared, real[rows], fake[columns])
        near = _near(screen, torch.maximum(inner, outer)[rows, None])
        far = _near(near.screen, reach[None, columns])
        precise[columns][near.j[_closer(near, inner[rows][near.i], exact, known=near.j)]] = True
        recalled[rows][far.i[_closer(far, reach[columns][far.j], exact, known=far.i)]] = True
        balls = _closer(near, outer[rows][near.i], exact)
        inside[columns] += near.j[balls].bincount(minlength=screen.least.shape[1])
        covered[rows][near.i[balls]] = True
    return Memberships(precise, recalled, inside, covered)


class Near(NamedTuple):
    """The pairs of a screen that may be closer than some radii, (P,) each."""

    screen: Screen
    i: Tensor
    j: Tensor
    least: Tensor
    most: Tensor


def _near(screen: Screen, radius: Tensor) -> Near:
    """Squared radii (rows, 1) or (1, columns). By a finer screen, if this one leaves too many pairs open."""
    about = radius.to(screen.least.dtype).expand_as(screen.least)
    maybe = screen.least < about
    many = OPEN * maybe.numel()
    if screen.finer is not None and maybe.count_nonzero() > 8 * many:
        return _near(screen.finer(), radius)
    i, j = maybe.nonzero(as_tuple=True)
    least = screen.least[i, j]
    most = least + screen.slack[j]
    if screen.finer is not None and (most >= about[i, j]).count_nonzero() > many:
        return _near(screen.finer(), radius)
    return Near(screen, i, j, least, most)


def _closer(near: Near, radius: Tensor, exact: Exact, *, known: Tensor | None = None) -> Tensor:
    """Squared radii (P,) -> (P,) bool: closer than that. What the bounds leave open is computed, but not for points,
    known (P,), of which another pair is surely closer."""
    about = radius.to(near.least.dtype)
    closer = near.most < about
    asked = (near.least < about) & ~closer
    if known is not None:
        sure = torch.zeros(int(known.max()) + 1 if len(known) else 0, dtype=torch.bool)
        sure[known[closer]] = True
        asked &= ~sure[known]
    pairs = asked.nonzero()[:, 0]
    closer[pairs] = exact(near.i[pairs], near.j[pairs]) < radius[pairs]
    return closer


def squared_radii(x: Tensor, sample: Sample, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    """x (N, D), and prepared -> for each k the (N,) float64 squared distances to the k-th nearest other point."""
    most = max(neighbours)
    if len(x) <= most:
        raise ValueError(f"{len(x)} points have no {most} neighbours each: at least {most + 1} are needed")
    distance = nearest_others(x, sample, count=most)
    return tuple(distance[:, k - 1] for k in neighbours)
