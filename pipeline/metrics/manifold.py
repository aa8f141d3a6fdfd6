"""Precision, recall, density, coverage: how two samples' k-nearest-neighbour balls overlap.

    R_i, F_j     the closed ball about real_i or fake_j whose radius is the distance to its k-th nearest other point
    precision    share of fake points in the union of all R        recall     share of real points in the union of all F
    density      mean number of R that a fake point lies in, / k   coverage   share of R with a fake point in them

Precision and recall use k = 3, density and coverage k = 5 by default. Of identical continuous distributions density is
1, and coverage with N real and M fake points

    1 - prod_{j = 1 .. k} (N - j) / (N + M - j),    about 1 - (N / (N + M))^k,    which is 1 - 2^-5 = .969 where N = M

(less than 1 by the chance that the first k neighbours of a real point are all real). Precision and recall are well
below 1. Recall is not the support that is covered; all but density reward copying.

Balls are closed, as in Kynkäänniemi et al. (a distance equal to the radius is inside), so that a set of duplicates
covers its own copy; the package prdc compares with <. Radii and distances are computed by the same float64 differences,
so that equal distances compare as equal.

Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020, arXiv:2002.09797.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.neighbours import nearest_others, squared
from pipeline.metrics.prepared import Sample, prepared
from pipeline.metrics.screen import BLOCK, Screen, screened
from pipeline.metrics.search import Exact


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
    """real (N, D), fake (M, D); memory is O((N + M) D + block²).

    Raises:
        ValueError: a sample has too few points to have that many neighbours.
        FloatingPointError: a value is not finite; the message has the item's index.
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
    inner, outer = _squared_radii(there, (neighbours, coverage_neighbours))  # (N,), (N,)
    (reach,) = _squared_radii(here, (neighbours,))  # (M,)
    precise, covered = torch.zeros(len(fake), dtype=torch.bool), torch.zeros(len(real), dtype=torch.bool)
    recalled, inside = torch.zeros_like(covered), torch.zeros(len(fake), dtype=torch.long)
    for screen in screened(there, here, block=block):
        rows, columns = screen.rows, screen.columns
        exact = partial(squared, there.x[rows], here.x[columns])
        near = _near(screen, torch.maximum(inner, outer)[rows, None])
        far = _near(near.screen, reach[None, columns])
        _reach(precise[columns], near.j, _closer(near, inner[rows][near.i], exact, reached=(precise[columns], near.j)))
        _reach(recalled[rows], far.i, _closer(far, reach[columns][far.j], exact, reached=(recalled[rows], far.i)))
        balls = _closer(near, outer[rows][near.i], exact)
        _reach(covered[rows], near.i, balls)
        inside[columns] += near.j[balls].bincount(minlength=screen.least.shape[1])
    precise, inside = (here.restored(part) for part in (precise, inside))
    return Memberships(precise, there.restored(recalled), inside, there.restored(covered))


def _reach(points: Tensor, which: Tensor, closer: Tensor) -> None:
    """Points (N,) bool, written over: those among which (P,) that are closer (P,)."""
    points[which[closer]] = True


class Near(NamedTuple):
    """The pairs of a screen that may be closer than some radii, (P,) each."""

    screen: Screen
    i: Tensor
    j: Tensor
    least: Tensor
    most: Tensor


def _near(screen: Screen, radius: Tensor) -> Near:
    """Squared radii (rows, 1) or (1, columns). By a finer screen, if this one leaves too many pairs open."""
    about = radius.to(screen.least.dtype)
    maybe = screen.least <= about
    if screen.finer is not None and _open(screen, maybe, about) > screen.open:
        return _near(screen.finer(), radius)
    i, j = maybe.nonzero(as_tuple=True)
    least = screen.least[i, j]
    return Near(screen, i, j, least, least + screen.slack[j])


def _open(screen: Screen, maybe: Tensor, about: Tensor) -> int:
    """How many of the pairs that may be closer may also not be."""
    many = int(maybe.count_nonzero())
    return many - int((screen.least < about - screen.slack).count_nonzero()) if many > screen.open else many


def _closer(near: Near, radius: Tensor, exact: Exact, *, reached: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Squared radii (P,) -> (P,) bool: no farther than that. What the bounds leave open is computed, but not for
    points, (N,) bool and which of them (P,), that are reached already or surely by another pair."""
    about = radius.to(near.least.dtype)  # rounded, so an upper bound that equals it decides nothing
    closer = near.most < about
    asked = (near.least <= about) & ~closer
    if reached is not None:
        points, which = reached
        sure = points.clone()
        _reach(sure, which, closer)
        asked &= ~sure[which]
    pairs = asked.nonzero()[:, 0]
    closer[pairs] = exact(near.i[pairs], near.j[pairs]) <= radius[pairs]
    return closer


def squared_radii(x: Tensor, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    """x (N, D) -> for each k the (N,) float64 squared distances to the k-th nearest other point."""
    (sample,) = prepared(x)
    return tuple(sample.restored(radii) for radii in _squared_radii(sample, neighbours))


def _squared_radii(x: Sample, neighbours: tuple[int, ...]) -> tuple[Tensor, ...]:
    count, most = len(x.order), max(neighbours)
    if count <= most:
        raise ValueError(f"{count} points have no {most} neighbours each: at least {most + 1} are needed")
    distance = nearest_others(x, count=most)
    return tuple(distance[:, k - 1] for k in neighbours)
