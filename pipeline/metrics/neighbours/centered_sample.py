"""Samples, centered and sorted so that the distances between them can be bounded quickly (`distance_bounds`).

About a common origin, for then the products are small, and in the order of the distance from it, for the largest in a
block decides how well the block is bounded.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.neighbours.int8 import DIMENSIONS, Product, digits, multiplied_fast

FEW = 16
"""Dimensions up to which a product in float64 is as fast as what is done with it."""
MANY = 256
"""Dimensions from which one in float32 is slower than that."""
HELD = (1e-12, 1e12)
"""Spreads of the values between which float32 holds their squares and the bounds of these."""
BLOCK = 512


class Rows(Protocol):
    """N rows in D dimensions about the origin, in floats or in digits."""

    @property
    def length(self) -> Tensor:
        """(N,): the Euclidean norms."""

    @property
    def dims(self) -> int: ...

    def part(self, rows: slice) -> Self: ...

    def product(self, other: Self) -> Product: ...


class Floats(NamedTuple):
    """N rows in D dimensions."""

    value: Tensor
    """(N, D) float32 or float64."""
    length: Tensor
    """(N,): the Euclidean norm."""

    def part(self, rows: slice) -> Floats:
        return Floats(self.value[rows], self.length[rows])

    def product(self, other: Floats) -> Product:
        return Product(self.value @ other.value.T, torch.zeros_like(other.length), None)

    @property
    def dims(self) -> int:
        return self.value.shape[1]


class CenteredSample(NamedTuple):
    """N points in D dimensions, the nearest to the origin first."""

    x: Tensor
    """(N, D)."""
    order: Tensor
    """(N,): where each was."""
    origin: Tensor
    """(D,)."""
    rows: Rows

    def floats(self, rows: slice) -> Floats:
        """In float64."""
        return floats(self.x[rows].double() - self.origin)

    def restored(self, value: Tensor) -> Tensor:
        """Values (N, ...) of the points -> the same in the order that the points had."""
        before = torch.empty_like(value)
        before[self.order] = value
        return before


def centered(*samples: Tensor) -> tuple[CenteredSample, ...]:
    """Samples (N, D), each with its own N -> the same about the mean of the first, to bound the distances between them.

    Raises:
        FloatingPointError: a value is not finite; the message has the item's index.
    """
    for x in samples:
        check_finite(x, "item")
    low, high = (torch.stack(ends) for ends in zip(*(x.aminmax() for x in samples), strict=True))
    spread = float(high.max() - low.min())
    origin = samples[0].mean(dim=0, dtype=torch.float64).to(samples[0].dtype)
    return tuple(_centered(x, origin, spread, seed) for seed, x in enumerate(samples))


def floats(x: Tensor) -> Floats:
    return Floats(x, torch.linalg.vector_norm(x, dim=1))


def _centered(x: Tensor, origin: Tensor, spread: float, seed: int) -> CenteredSample:
    distance = torch.cat([torch.linalg.vector_norm(part - origin, dim=1) for part in x.split(BLOCK)])
    order = distance.argsort(stable=True)
    x = x[order]
    return CenteredSample(x, order, origin, _rows(x, origin, spread, seed))


def _rows(x: Tensor, origin: Tensor, spread: float, seed: int) -> Rows:
    dims = x.shape[1]
    if dims <= FEW or not HELD[0] < spread < HELD[1]:
        return floats(x.double() - origin)
    if MANY <= dims <= DIMENSIONS and multiplied_fast():
        return digits(x, origin, seed=seed)
    return floats((x - origin).float())
