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

from pipeline.metrics.fixed_point import DIMENSIONS, Digits, Product, digits, multiplied_fast, product

BLOCK = 512
FEW = 16
"""Dimensions up to which the differences themselves cost about as much as the product, at most twice."""
MANY = 256
"""Dimensions from which the product costs more than what is done with it."""
HELD = (1e-12, 1e12)
"""Spreads of the values between which float32 holds their squares and the bounds of these."""


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


def screened(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Iterator[Screen]:
    """a (N, D), b (M, D) -> blocks of the N rows, in order."""
    screen = _screen(a, b)
    return (screen(slice(start, start + block), slice(None)) for start in range(0, len(a), block))


def halved(x: Tensor, *, block: int = BLOCK) -> Iterator[Screen]:
    """x (N, D) -> blocks of the N rows, in order, against themselves and those that come after: each pair once."""
    screen = _screen(x, x)
    return (screen(slice(start, start + block), slice(start, None)) for start in range(0, len(x), block))


def _screen(a: Tensor, b: Tensor) -> Callable[[slice, slice], Screen]:
    dims = a.shape[1]
    if dims <= FEW or not _held(a, b):
        return _floats(a, b, torch.float64)
    if MANY <= dims <= DIMENSIONS and multiplied_fast():
        return _digits(a, b)
    return _floats(a, b, torch.float32)


def _held(a: Tensor, b: Tensor) -> bool:
    low, high = (torch.stack(ends) for ends in zip(a.aminmax(), b.aminmax(), strict=True))
    return HELD[0] < float(high.max() - low.min()) < HELD[1]


def _floats(a: Tensor, b: Tensor, kind: torch.dtype) -> Callable[[slice, slice], Screen]:
    origin = b.mean(dim=0)
    others = (b - origin).to(kind)
    lengths = torch.linalg.vector_norm(others, dim=1)

    def screen(rows: slice, columns: slice) -> Screen:
        own = (a[rows] - origin).to(kind)
        products = own @ others[columns].T
        length = torch.linalg.vector_norm(own, dim=1)
        error = _rounding(length, lengths[columns], a.shape[1])
        return _bounded(rows.start, products, length, lengths[columns], error, None)

    return screen


def _digits(a: Tensor, b: Tensor) -> Callable[[slice, slice], Screen]:
    origin = b.mean(dim=0)
    others = digits(b, origin, seed=0)
    own = others if a is b else digits(a, origin, seed=1)
    return lambda rows, columns: _whole(rows.start, own.rows(rows), others.rows(columns))


def _whole(start: int, rows: Digits, others: Digits) -> Screen:
    rounding = _rounding(rows.length, others.length, rows.high.shape[1])

    def screen(found: Product) -> Screen:
        finer = found.finer
        closer = None if finer is None else (lambda: screen(finer()))
        return _bounded(start, found.value, rows.length, others.length, 2 * found.error + rounding, closer)

    return screen(product(rows, others))


def _rounding(own: Tensor, others: Tensor, dims: int) -> Tensor:
    """Lengths (rows,), (M,) -> (M,): how far the rounding of floats puts a squared distance off."""
    relative = (8 * math.sqrt(dims) + 16) * torch.finfo(own.dtype).eps / 2
    return relative * (own.max() + others).square()


def _bounded(
    start: int, products: Tensor, own: Tensor, others: Tensor, error: Tensor, finer: Callable[[], Screen] | None
) -> Screen:
    """The products (rows, M), which are written over, the lengths (rows,), (M,), the errors (M,)."""
    d2 = products.mul_(-2).add_(others.square()).add_(own.square()[:, None])
    return Screen(start, d2.sub_(error), 2 * error, finer)
