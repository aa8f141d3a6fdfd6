"""Which points lie in whose balls: counts within the radii to the k-th nearest neighbours.

Balls are closed, so that a distance equal to the radius is inside. Radii and distances are computed by the same float64
differences, so that equal distances compare as equal.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.neighbours.distance_bounds import BLOCK, BoundedBlock, all_pairs, centered
from pipeline.metrics.neighbours.nearest import radii_of, squared
from pipeline.metrics.neighbours.search import Exact


class Memberships(NamedTuple):
    """For each point, whether or how often it lies in the balls of the other sample."""

    precise: Tensor
    """(M,) bool: a fake point in some R."""
    recalled: Tensor
    """(N,) bool: a real point in some F."""
    inside: Tensor
    """(M,) long: the number of larger R that a fake point lies in."""
    covered: Tensor
    """(N,) bool: a larger R with a fake point in it."""


def memberships(
    *, real: Tensor, fake: Tensor, neighbours: int = 3, coverage_neighbours: int = 5, block: int = BLOCK
) -> Memberships:
    """Whether the points of each sample lie in the balls of the other one, R and F of real and fake points.

    Args:
        real: (N, D).
        fake: (M, D), on the same device.
        neighbours: k of the radii for `precise` and `recalled`.
        coverage_neighbours: k of the radii for `inside` and `covered`.
        block: points on each side at a time; memory is O((N + M) D + block²).

    Raises:
        ValueError: a sample has too few points to have that many neighbours.
        FloatingPointError: a value is not finite; the message has the item's index.
    """
    there, here = centered(real, fake)
    inner, outer = radii_of(there, (neighbours, coverage_neighbours))  # (N,), (N,)
    (reach,) = radii_of(here, (neighbours,))  # (M,)
    precise = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    covered = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    recalled, inside = torch.zeros_like(covered), torch.zeros_like(precise, dtype=torch.long)
    for pairs in all_pairs(there, here, block=block):
        rows, columns = pairs.rows, pairs.columns
        exact = partial(squared, there.x[rows], here.x[columns])
        near = _near(pairs, torch.maximum(inner, outer)[rows, None])
        far = _near(near.block, reach[None, columns])
        _mark(precise[columns], near.j, _closer(near, inner[rows][near.i], exact, reached=(precise[columns], near.j)))
        _mark(recalled[rows], far.i, _closer(far, reach[columns][far.j], exact, reached=(recalled[rows], far.i)))
        balls = _closer(near, outer[rows][near.i], exact)
        _mark(covered[rows], near.i, balls)
        inside[columns] += near.j[balls].bincount(minlength=pairs.least.shape[1])
    precise, inside = (here.restored(part) for part in (precise, inside))
    return Memberships(precise, there.restored(recalled), inside, there.restored(covered))


def _mark(points: Tensor, which: Tensor, closer: Tensor) -> None:
    """Set points (N,) bool in place, where a pair of them (P,) is closer (P,)."""
    points[which[closer]] = True


class Near(NamedTuple):
    """The pairs of a block that may be closer than some radii, (P,) each."""

    block: BoundedBlock
    i: Tensor
    j: Tensor
    least: Tensor
    most: Tensor


def _near(block: BoundedBlock, radius: Tensor) -> Near:
    """Squared radii (rows, 1) or (1, columns). By finer bounds, if these leave too many pairs open."""
    about = radius.to(block.least.dtype)
    maybe = block.least <= about
    if block.finer is not None and _open(block, maybe, about) > block.open:
        return _near(block.finer(), radius)
    i, j = maybe.nonzero(as_tuple=True)
    least = block.least[i, j]
    return Near(block, i, j, least, least + block.slack[j])


def _open(block: BoundedBlock, maybe: Tensor, about: Tensor) -> int:
    """How many of the pairs that may be closer may also not be."""
    many = int(maybe.count_nonzero())
    return many - int((block.least < about - block.slack).count_nonzero()) if many > block.open else many


def _closer(near: Near, radius: Tensor, exact: Exact, *, reached: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Squared radii (P,) -> (P,) bool: no farther than that. What the bounds leave open is computed, but not for
    points, (N,) bool and which of them (P,), that are reached already or surely by another pair."""
    about = radius.to(near.least.dtype)  # rounded, so an upper bound that equals it decides nothing
    closer = near.most < about
    asked = (near.least <= about) & ~closer
    if reached is not None:
        points, which = reached
        sure = points.clone()
        _mark(sure, which, closer)
        asked &= ~sure[which]
    pairs = asked.nonzero()[:, 0]
    closer[pairs] = exact(near.i[pairs], near.j[pairs]) <= radius[pairs]
    return closer
