"""Bounds of the squared distances of all pairs, quickly and in blocks: never a matrix of all pairs.

    |a - b|² = |a|² + |b|² - 2 a·b about a common origin, of which the product is what costs

    many dimensions    in whole numbers (`int8`), one digit first, and a second one where that leaves too much
                       open; in float32 on a CPU that has no fast products of integers
    fewer              in float32
    few                in float64, which is also the last resort of the others

Samples are first moved to a common origin, for then the products are small, and sorted by the distance from it, for the
largest in a block decides how well the block is bounded.

Rounding of the floats, of a and b about the origin, of the product of length D, of the norms and of the sums, puts
|a - b|² off by more than (8 sqrt(D) + 16) u (|a| + |b|)², u the unit roundoff, with a probability below D exp(-32)
(Higham, Mary 2019, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.placement import full_precision
from pipeline.metrics.neighbours.int8 import DIMENSIONS, Product, digits, multiplied_fast

BLOCK = 1024
DIGIT, DOUBLE = 2**-7, 2**-5
"""Shares of a block's pairs that cost as much, one by one, as all of them with a digit more, or in float64."""
FEW = 16
"""Dimensions up to which a product in float64 is as fast as what is done with it."""
MANY = 256
"""Dimensions from which one in float32 is slower than that."""
HELD = (1e-12, 1e12)
"""Spreads of the values between which float32 holds their squares and the bounds of these."""
CHUNK = 512
"""Rows that are centered at a time."""


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
        with full_precision():
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
    distance = torch.cat([torch.linalg.vector_norm(part - origin, dim=1) for part in x.split(CHUNK)])
    order = distance.argsort(stable=True)
    x = x[order]
    return CenteredSample(x, order, origin, _rows(x, origin, spread, seed))


def _rows(x: Tensor, origin: Tensor, spread: float, seed: int) -> Rows:
    dims = x.shape[1]
    if dims <= FEW or not HELD[0] < spread < HELD[1]:
        return floats(x.double() - origin)
    if x.device.type == "cpu" and MANY <= dims <= DIMENSIONS and multiplied_fast():
        return digits(x, origin, seed=seed)
    return floats((x - origin).float())


class BoundedBlock(NamedTuple):
    """Squared distances of some of a to some of b."""

    rows: slice
    """Of a."""
    columns: slice
    """Of b."""
    least: Tensor
    """(rows, columns): no distance is less."""
    slack: Tensor
    """(columns,), positive: and none is more than this above it."""
    finer: Callable[[], BoundedBlock] | None
    """The same pairs, closer, at a higher cost."""
    open: float
    """Pairs that may be left open before the finer bounds pay."""


def all_pairs(a: CenteredSample, b: CenteredSample, *, block: int = BLOCK) -> Iterator[BoundedBlock]:
    """N points and M -> all pairs, in blocks, the rows first."""
    for rows, columns in itertools.product(_blocks(a, block), _blocks(b, block)):
        yield _block(rows, columns, a, b)


def half_pairs(a: CenteredSample, *, block: int = BLOCK) -> Iterator[BoundedBlock]:
    """N points -> blocks of them against themselves and against those that come after."""
    for rows, columns in itertools.combinations_with_replacement(_blocks(a, block), 2):
        yield _block(rows, columns, a, a)


def _blocks(a: CenteredSample, block: int) -> list[slice]:
    count = len(a.order)
    return [slice(start, min(start + block, count)) for start in range(0, count, block)]


def _block(rows: slice, columns: slice, a: CenteredSample, b: CenteredSample) -> BoundedBlock:
    left, right = a.rows.part(rows), b.rows.part(columns)
    single = left.length.dtype != torch.float64
    last = partial(_doubled, rows, columns, a, b) if single else None
    return _bounded(left.product(right), left, right, rows, columns, last)


def _doubled(rows: slice, columns: slice, a: CenteredSample, b: CenteredSample) -> BoundedBlock:
    left, right = a.floats(rows), b.floats(columns)
    return _bounded(left.product(right), left, right, rows, columns, None)


def _bounded(
    product: Product, left: Rows, right: Rows, rows: slice, columns: slice, last: Callable[[], BoundedBlock] | None
) -> BoundedBlock:
    """By a product, whose value is written over; `last` comes when there are no more digits."""
    kind = torch.finfo(product.value.dtype)
    relative = (8 * math.sqrt(left.dims) + 16) * kind.eps / 2
    error = 2 * product.error + relative * (left.length.max() + right.length).square()
    least = product.value.mul_(-2).add_(right.length.square() - error).add_(left.length.square()[:, None])
    finer, pairs = product.finer, product.value.numel()
    if finer is None:
        closer, pays = last, DOUBLE * pairs
    else:
        closer, pays = (lambda: _bounded(finer(), left, right, rows, columns, last)), DIGIT * pairs
    return BoundedBlock(rows, columns, least.clamp_min_(0), 2 * error.clamp_min(kind.tiny), closer, pays)
