"""Monotonic rational-quadratic splines with linear tails (Durkan et al. 2019, arXiv:1906.04032, section 3).

K bins between knots (x_k, y_k) of slopes d_k cover the box [-B, B]; outside it g is the identity. In bin k, with
ξ = (x - x_k) / w_k and s_k = h_k / w_k (eq. 4, 5):

    g(x)  = y_k + h_k [ s_k ξ² + d_k ξ (1 - ξ) ] / [ s_k + (d_{k+1} + d_k - 2 s_k) ξ (1 - ξ) ]
    g'(x) = s_k² [ d_{k+1} ξ² + 2 s_k ξ (1 - ξ) + d_k (1 - ξ)² ] / [ s_k + (d_{k+1} + d_k - 2 s_k) ξ (1 - ξ) ]²

The outer knots have slope 1, so that g' is continuous at the edge of the box.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.distributions.coupling import Monotone

SMALLEST = 1e-3  # of a bin's share of the box, and of a slope: the paper's, against a division by nothing
UNIT_SLOPE = math.log(math.expm1(1 - SMALLEST))  # softplus of it and SMALLEST is 1: zero parameters are the identity


class Bin(NamedTuple):
    """The bin that a value is in, (B, N) each: left knot, width, bottom knot, height, slopes at both ends."""

    x: Tensor
    w: Tensor
    y: Tensor
    h: Tensor
    d0: Tensor
    d1: Tensor

    @property
    def slope(self) -> Tensor:
        """s_k"""
        return self.h / self.w

    @property
    def bend(self) -> Tensor:
        """d_{k+1} + d_k - 2 s_k"""
        return self.d0 + self.d1 - 2 * self.slope


class Spline(Monotone):
    """g of K = `bins` bins on [-`box`, `box`]; θ holds K widths, K heights and K - 1 inner slopes, unconstrained."""

    def __init__(self, bins: int, box: float) -> None:
        super().__init__()
        self.bins, self.box, self.width = bins, box, 3 * bins - 1

    def forward(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        within = x.clamp(-self.box, self.box)
        at = self._find(within, theta, by_height=False)
        xi = (within - at.x) / at.w
        rest = 1 - xi
        s, bottom = at.slope, at.slope + at.bend * xi * rest
        z = at.y + at.h * xi * (s * xi + at.d0 * rest) / bottom  # eq. 4
        top = at.d1 * xi.square() + 2 * s * xi * rest + at.d0 * rest.square()
        log_slope = (top * (s / bottom).square()).log()  # eq. 5
        inside = within == x
        return torch.where(inside, z, x), log_slope * inside

    def inverse(self, z: Tensor, theta: Tensor) -> Tensor:
        within = z.clamp(-self.box, self.box)
        at = self._find(within, theta, by_height=True)
        rise = within - at.y
        a = at.h * (at.slope - at.d0) + rise * at.bend  # eq. 6 to 8
        b = at.h * at.d0 - rise * at.bend
        c = -at.slope * rise
        root = (b.square() - 4 * a * c).clamp(min=0).sqrt()
        x = at.x + at.w * (2 * c / (-b - root))  # eq. 29: this form of the root does not cancel
        return torch.where(within == z, x, z)

    def _find(self, value: Tensor, theta: Tensor, by_height: bool) -> Bin:
        sizes, slopes = theta.split([2 * self.bins, self.bins - 1], dim=1)
        knots = self._knots(sizes.unflatten(1, (2, self.bins)))  # (B, 2, K + 1, N)
        d = F.pad(SMALLEST + F.softplus(slopes + UNIT_SLOPE), (0, 0, 1, 1), value=1.0)
        left = (value[:, None] >= knots[:, int(by_height), 1:-1]).sum(1)  # (B, N)
        ends = torch.stack([left, left + 1], dim=1)[:, None].expand(-1, 3, -1, -1)
        found = torch.cat([knots, d[:, None]], dim=1).gather(2, ends)  # (B, 3, 2, N)
        (x0, x1), (y0, y1), (d0, d1) = (pair.unbind(1) for pair in found.unbind(1))
        return Bin(x0, x1 - x0, y0, y1 - y0, d0, d1)

    def _knots(self, raw: Tensor) -> Tensor:
        """(B, 2, K, N) -> (B, 2, K + 1, N): from -box to box, no two closer than SMALLEST of the box."""
        share = SMALLEST + (1 - SMALLEST * self.bins) * raw.softmax(2)
        return 2 * self.box * F.pad(share.cumsum(2), (0, 0, 1, 0)) - self.box
