"""Bounds of the squared distances of all pairs, quickly and in blocks: never a matrix of all pairs.

    |a - b|² = |a|² + |b|² - 2 a·b about a common origin, of which the product is what costs

    few dimensions     in float64
    more               in float32
    many               in whole numbers (`fixed_point`), one digit first; a second digit where the first leaves too much
                       open. In float32 on a CPU that has no fast products of integers.

Rounding of the floats, of a and b about the origin, of the product of length D, of the norms and of the sums, puts
|a - b|² off by more than (8 sqrt(D) + 16) u (|a| + |b|)², u the unit roundoff, with a probability below D exp(-32)
(Higham, Mary 2019, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from pipeline.metrics.fixed_point import DIMENSIONS, Product, digits, multiplied_fast

BLOCK = 1024
FEW = 16
"""Dimensions up to which the differences themselves cost about as much as the product, at most twice."""
MANY = 256
"""Dimensions from which the product costs more than what is done with it."""
OPEN = 2**-8
"""Share of a block's pairs that may be left open before a finer screen pays."""
HELD = (1e-12, 1e12)
"""Spreads of the values between which float32 holds their squares and the bounds of these."""


class Floats(NamedTuple):
    """N rows in D dimensions."""

    value: Tensor
    """(N, D) float32 or float64."""
    length: Tensor
    """(N,): the Euclidean norm."""

    def rows(self, part: slice) -> Floats:
        return Floats(self.value[part], self.length[part])

    def product(self, other: Floats) -> Product:
        return Product(self.value @ other.value.T, torch.zeros_like(other.length), None)

    @property
    def dims(self) -> int:
        return self.value.shape[1]


class Sample(Protocol):
    """N rows in D dimensions about an origin, in floats or in digits."""

    @property
    def length(self) -> Tensor:
        """(N,): the Euclidean norms."""

    @property
    def dims(self) -> int: ...

    def rows(self, part: slice) -> Self: ...

    def product(self, other: Self) -> Product: ...


class Screen(NamedTuple):
    """Squared distances of some of a to some of b."""

    rows: slice
    """Of a."""
    columns: slice
    """Of b."""
    least: Tensor
    """(rows, columns): no distance is less."""
    slack: Tensor
    """(columns,): and none is more than this above it."""
    finer: Callable[[], Screen] | None
    """The same pairs, closer and dearer."""


def prepared(*samples: Tensor) -> tuple[Sample, ...]:
    """Samples (N, D), each with its own N -> the same about the mean of the first, to be screened with each other."""
    origin, dims = samples[0].mean(dim=0), samples[0].shape[1]
    if dims > FEW and _held(samples):
        if MANY <= dims <= DIMENSIONS and multiplied_fast():
            return tuple(digits(x, origin, seed=seed) for seed, x in enumerate(samples))
        return tuple(_floats((x - origin).float()) for x in samples)
    return tuple(_floats(x.double() - origin) for x in samples)


def _floats(x: Tensor) -> Floats:
    return Floats(x, torch.linalg.vector_norm(x, dim=1))


def _held(samples: tuple[Tensor, ...]) -> bool:
    low, high = (torch.stack(ends) for ends in zip(*(x.aminmax() for x in samples), strict=True))
    return HELD[0] < float(high.max() - low.min()) < HELD[1]


def screened(a: Sample, b: Sample, *, block: int = BLOCK) -> Iterator[Screen]:
    """N rows and M -> all pairs, in blocks of their own sizes, rows first."""
    for rows, columns in itertools.product(_blocks(a, block), _blocks(b, block)):
        yield _screen(rows, columns, a, b)


def halved(a: Sample, *, block: int = BLOCK) -> Iterator[Screen]:
    """N rows -> blocks of them against themselves and against those that come after."""
    for rows, columns in itertools.combinations_with_replacement(_blocks(a, block), 2):
        yield _screen(rows, columns, a, a)


def _blocks(a: Sample, block: int) -> list[slice]:
    count = len(a.length)
    return [slice(start, min(start + block, count)) for start in range(0, count, block)]


def _screen(rows: slice, columns: slice, a: Sample, b: Sample) -> Screen:
    a, b = a.rows(rows), b.rows(columns)
    relative = (8 * math.sqrt(a.dims) + 16) * torch.finfo(a.length.dtype).eps / 2
    rounding = relative * (a.length.max() + b.length).square()
    return _bounded(a.product(b), rows, columns, a.length, b.length, rounding)


def _bounded(product: Product, rows: slice, columns: slice, a: Tensor, b: Tensor, rounding: Tensor) -> Screen:
    """Products (rows, columns), which are written over, lengths (rows,), (columns,) -> their screen."""
    error = 2 * product.error + rounding
    least = product.value.mul_(-2).add_(b.square() - error).add_(a.square()[:, None])
    finer = product.finer
    closer = None if finer is None else lambda: _bounded(finer(), rows, columns, a, b, rounding)
    return Screen(rows, columns, least, 2 * error, closer)
