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

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.neighbours import BLOCK, Screen, nearest, screened, squared


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
    inner, outer = squared_radii(real, (neighbours, coverage_neighbours))  # (N,), (N,)
    (reach,) = squared_radii(fake, (neighbours,))  # (M,)
    precise = torch.zeros(len(fake), dtype=torch.bool)
    inside = torch.zeros(len(fake), dtype=torch.long)
    recalled: list[Tensor] = []
    covered: list[Tensor] = []
    for screen in screened(real, fake, block=block):
        rows = slice(screen.start, screen.start + len(screen.d2))
        part = real[rows]
        precise |= _within(screen, inner[rows, None], real=part, fake=fake).any(dim=0)
        recalled.append(_within(screen, reach, real=part, fake=fake).any(dim=1))
        balls = _within(screen, outer[rows, None], real=part, fake=fake)
        inside += balls.sum(dim=0)
        covered.append(balls.any(dim=1))
    return Memberships(precise, torch.cat(recalled), inside, torch.cat(covered))


def _within(screen: Screen, radius: Tensor, *, real: Tensor, fake: Tensor) -> Tensor:
    """Squared radii (rows, 1) or (M,) -> (rows, M) bool: closer than that. What the screen leaves open is computed."""
    about = radius.to(screen.d2.dtype)
    surely = screen.d2 < about - screen.error
    i, j = (surely ^ (screen.d2 < about + screen.error)).nonzero(as_tuple=True)
    surely[i, j] = squared(real, fake, i, j) < radius.expand_as(surely)[i, j]
    return surely


def squared_radii(x: Tensor, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    """x (N, D) -> for each k the (N,) float64 squared distances to the k-th nearest other point."""
    most = max(neighbours)
    if len(x) <= most:
        raise ValueError(f"{len(x)} points have no {most} neighbours each: at least {most + 1} are needed")
    _, index = nearest(x, x, count=most + 1)
    every = torch.arange(len(x))
    return tuple(squared(x, x, every, index[:, k]) for k in neighbours)  # column 0 is the point itself
