"""Products of rows in integers of seven bits, which a CPU multiplies several times faster than floats.

    x_i = s_i (h_i + l_i / 126 + r_i)     the scale s_i of row i; its digits h_i and l_i, whole numbers in [-127, 127]

Each digit is rounded up or down by chance, so that what it leaves has mean 0, whatever the data are, and lies in an
interval of width 1 (of 1/126 for the second digit). So the error of a product is a sum of independent terms that are
bounded and have mean 0, and Hoeffding's inequality (1963, J. Am. Stat. Assoc. 58) bounds it:

    one digit     x·y = s t h·g + e                          |e| <= z sqrt((t |x|)² + (s |y'|)²)
    two digits    x·y = s t (h·g + (h·m + l·g) / 126) + e    |e| <= z sqrt((t |x'|)² + (s |y'|)²) / 126 + z s t sqrt(D)

for y of scale t and digits g, m, x' = s h and y' = t g; each fails with a probability below 4 exp(-2 z²), 1e-13.

Splitting into digits: Ootomo, Ozaki, Yokota 2024, DGEMM on integer matrix multiplication unit, arXiv:2306.11975.
Rounding by chance: Croci et al. 2022, Stochastic rounding, R. Soc. Open Sci. 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

BASE = 126
"""The largest digit before it is rounded, and how many of the second make one of the first."""
Z = 4
CHANCE = 2_718_281_828
"""The seed of the rounding: no data are drawn from it, which must not depend on them."""
BLOCK = 512
DIMENSIONS = 2**16
"""Up to which a sum of two products stays in 32 bits: 2 x 127² x 2^16 < 2^31."""


class Product(NamedTuple):
    """Of some rows a and b."""

    value: Tensor
    """(N, M) float32: a·b."""
    error: Tensor
    """(M,): a column is nowhere further off than this, but for the rounding of float32."""
    finer: Callable[[], Product] | None
    """With the second digits, at twice the cost again."""


class Digits(NamedTuple):
    """N rows in D dimensions."""

    high: Tensor
    """(N, D) int8."""
    low: Callable[[], Tensor]
    """(N, D) int8, on demand."""
    scale: Tensor
    """(N,) float32."""
    length: Tensor
    """(N,) float32: the Euclidean norm, of the row and not of its digits."""

    def part(self, rows: slice) -> Digits:
        return Digits(self.high[rows], lambda: self.low()[rows], self.scale[rows], self.length[rows])

    def product(self, other: Digits) -> Product:
        """Of the first digits."""
        whole = torch._int_mm(self.high, other.high.T)
        error = torch.hypot(self.length.max() * other.scale, self.scale.max() * _longest(other))
        return Product(_scaled(whole, self, other), Z * error, partial(_finer, whole, self, other))

    @property
    def dims(self) -> int:
        return self.high.shape[1]


@cache
def multiplied_fast() -> bool:
    """Has this CPU instructions for products of small integers?"""
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_vnni", "avx_vnni", "amx_int8"))


def digits(x: Tensor, origin: Tensor, *, seed: int) -> Digits:
    """x (N, D) about the origin (D,). Two sides of a product must not share the seed, if they may share rows."""
    chance = torch.Generator().manual_seed(CHANCE + seed)
    high = torch.empty(x.shape, dtype=torch.int8)
    scale, length = torch.empty(len(x)), torch.empty(len(x))
    for rows in _blocks(len(x)):
        part = (x[rows] - origin).float()
        scale[rows] = part.abs().amax(dim=1).div_(BASE).clamp_min_(torch.finfo(part.dtype).tiny)
        length[rows] = torch.linalg.vector_norm(part, dim=1)
        high[rows] = _rounded(part.div_(scale[rows, None]), chance)

    @cache
    def low() -> Tensor:
        digit = torch.empty_like(high)
        for rows in _blocks(len(x)):
            part = (x[rows] - origin).float().div_(scale[rows, None])
            digit[rows] = _rounded(part.sub_(high[rows]).mul_(BASE), chance)
        return digit

    return Digits(high, low, scale, length)


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, count, BLOCK)]


def _rounded(x: Tensor, chance: torch.Generator) -> Tensor:
    return torch.rand(x.shape, generator=chance).add_(x).floor_()


def _finer(whole: Tensor, a: Digits, b: Digits) -> Product:
    cross = torch._int_mm(a.high, b.low().T).add_(torch._int_mm(a.low(), b.high.T))
    error = torch.hypot(_longest(a).max() * b.scale, a.scale.max() * _longest(b)) / BASE
    rest = a.scale.max() * b.scale * math.sqrt(a.dims)
    return Product(_scaled(cross.div(BASE).add_(whole), a, b), Z * (error + rest), None)


def _longest(x: Digits) -> Tensor:
    """(N,): the rows of first digits are no longer."""
    return x.length + x.scale * math.sqrt(x.dims)


def _scaled(products: Tensor, a: Digits, b: Digits) -> Tensor:
    return (products * b.scale).mul_(a.scale[:, None])
