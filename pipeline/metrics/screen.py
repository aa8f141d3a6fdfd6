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

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.fixed_point import DIMENSIONS, Digits, Product, digits, multiplied_fast

BLOCK = 128
FEW = 16
"""Dimensions up to which the differences themselves cost about as much as the product, at most twice."""
MANY = 256
"""Dimensions from which the product costs more than what is done with it."""
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


Sample = Floats | Digits


class Screen(NamedTuple):
    """Squared distances of some rows of a to b."""

    start: int
    """The first of these rows."""
    least: Tensor
    """(rows, M): no distance is less."""
    slack: Tensor
    """(M,): and none is more than this above it."""
    finer: Callable[[], Screen] | None
    """The same rows, closer and dearer."""


def prepared(*samples: Tensor) -> tuple[Sample, ...]:
    """Samples (N, D), each with its own N -> the same about the mean of the first, to be screened with each other."""
    origin, dims = samples[0].mean(dim=0), samples[0].shape[1]
    if dims > FEW and _held(samples):
        if MANY <= dims <= DIMENSIONS and multiplied_fast():
            return tuple(digits(x, origin, seed=seed) for seed, x in enumerate(samples))
        return tuple(_floats((x - origin).float()) for x in samples)
    return tuple(_floats((x - origin).double()) for x in samples)


def _floats(x: Tensor) -> Floats:
    return Floats(x, torch.linalg.vector_norm(x, dim=1))


def _held(samples: tuple[Tensor, ...]) -> bool:
    low, high = (torch.stack(ends) for ends in zip(*(x.aminmax() for x in samples), strict=True))
    return HELD[0] < float(high.max() - low.min()) < HELD[1]


def screened(a: Sample, b: Sample, *, block: int = BLOCK) -> Iterator[Screen]:
    """N rows and M -> blocks of the N, in order."""
    for start in range(0, len(a.length), block):
        yield _screen(start, a.rows(slice(start, start + block)), b)


def halved(a: Sample, *, block: int = BLOCK) -> Iterator[Screen]:
    """N rows -> blocks of them, in order, against themselves and those that come after: each pair once."""
    for start in range(0, len(a.length), block):
        yield _screen(start, a.rows(slice(start, start + block)), a.rows(slice(start, None)))


def _screen(start: int, a: Sample, b: Sample) -> Screen:
    return _bounded(a.product(b), start, a, b)


def _bounded(product: Product, start: int, a: Sample, b: Sample) -> Screen:
    relative = (8 * math.sqrt(a.dims) + 16) * torch.finfo(a.length.dtype).eps / 2
    error = 2 * product.error + relative * (a.length.max() + b.length).square()
    least = product.value.mul_(-2).add_(b.length.square() - error).add_(a.length.square()[:, None])
    finer = product.finer
    return Screen(start, least, 2 * error, None if finer is None else lambda: _bounded(finer(), start, a, b))
