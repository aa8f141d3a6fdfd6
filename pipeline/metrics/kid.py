"""KID: the squared maximum mean discrepancy (MMD) of real and fake features with the cubic polynomial kernel.

    MMD² = E k(r, r') + E k(f, f') - 2 E k(r, f),     k(a, b) = (a·b / D + 1)³

The estimate is the mean of k over all pairs of different real items, of different fake items, and of one of each, so
it is unbiased, can be below 0 where the two are alike, and does not depend on the order of the items.

The kernel depends on the origin, and far from it its values are so large that their differences have no digits left.
What depends on one of its two arguments alone cancels in MMD², and is left out: with o the mean of the real features,
a = o + u and b = o + v,

    k(a, b) - k(a, o) - k(o, b) + k(o, o) = t (t² + 3 q t + 3 q²) + 3 s w (α + q),
    t = u·v / D,    s = o·u / D,    w = o·v / D,    α = o·o / D + 1,    q = α + s + w

gives the same estimate, without the large terms.

All but the resampling is on the device of the features, in float64, `BLOCK` rows and columns at a time.

The sampling interval is that of resampled distances, to first order, as of the Fréchet distance. The influence of a
fake x is 2 (mean over other fake f of k(x, f) - mean over real r of k(x, r)).

References:
    Bińkowski et al. 2018, Demystifying MMD GANs, arXiv:1801.01401.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_features
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Metric, has_samples

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.bootstrap import Bootstrap

BLOCK = 1000
"""Rows and columns of a kernel matrix at a time: 8 MB in float64."""


class Means(NamedTuple):
    """Of each item of one side the mean of k over the other items."""

    own: Tensor
    """(N,) float64: the others of its own side."""
    across: Tensor
    """(N,) float64: those of the other side."""


def kid(*, real: Tensor, fake: Tensor) -> float:
    """MMD², in float64; lower is better.

    Args:
        real: (N, D) features.
        fake: (M, D) features. Time is O((N + M)² D), memory O((N + M) D).

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: N or M is below 2, or the numbers of columns differ.
    """
    r, f = means(real, fake)
    return float(r.own.mean() + f.own.mean() - 2 * r.across.mean())


def means(real: Tensor, fake: Tensor) -> tuple[Means, Means]:
    """Of the items of each side, real (N, D) and fake (M, D), the means of k.

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: N or M is below 2, or the numbers of columns differ.
    """
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"pairs need two items at least, not {len(real)} real and {len(fake)} fake")
    check_features(real, fake)
    origin = real.double().mean(dim=0)
    r, f = (_Side(x.double() - origin, origin) for x in (real, fake))
    own = [side.sums(side) - side.diagonal() for side in (r, f)]
    return (
        Means(own[0] / (len(real) - 1), r.sums(f) / len(fake)),
        Means(own[1] / (len(fake) - 1), f.sums(r) / len(real)),
    )


def resampled(bootstrap: Bootstrap, *, real: Tensor, fake: Tensor) -> Tensor:
    """The distances of resamples.

    Args:
        bootstrap: B resamples.
        real: (N, D) features.
        fake: (M, D) features.

    Returns:
        (B,) float64, on the CPU.
    """
    moved = influences(real, fake)
    return bootstrap.means("real", moved[0].cpu()) + bootstrap.means("fake", moved[1].cpu())


def influences(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """How the distance moves with the weight of each item, (N,) and (M,) float64."""
    r, f = means(real, fake)
    return 2 * (r.own - r.across), 2 * (f.own - f.across)


class _Side:
    """N items about the origin o."""

    def __init__(self, u: Tensor, origin: Tensor) -> None:
        self.u, self.dims = u, u.shape[1]
        self.s = u @ origin / self.dims
        self.alpha = float(origin @ origin) / self.dims + 1

    def sums(self, other: _Side) -> Tensor:
        """(N,): over all items of the other side."""
        import torch

        return torch.cat([self._sums(rows, other) for rows in _blocks(len(self.u))])

    def _sums(self, rows: slice, other: _Side) -> Tensor:
        import torch

        s = self.s[rows, None]
        parts = (self._k(self.u[rows] @ other.u[c].T / self.dims, s, other.s[None, c]) for c in _blocks(len(other.u)))
        return torch.stack([part.sum(dim=1) for part in parts]).sum(dim=0)

    def diagonal(self) -> Tensor:
        """(N,): of each item with itself."""
        return self._k(self.u.square().sum(dim=1) / self.dims, self.s, self.s)

    def _k(self, t: Tensor, s: Tensor, w: Tensor) -> Tensor:
        q = self.alpha + s + w
        return t * (t * t + 3 * q * t + 3 * q * q) + 3 * s * w * (self.alpha + q)


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, count, BLOCK)]


METRICS = (
    Metric(
        name="kernel", title="KID", unit="squared distance", better="lower", order=280, table="file", digits=3,
        low=-math.inf, compute=lambda c: kid(**c.sides()), requires=has_samples,
        protocol=lambda c: f"{protocol.features(c)}, cubic, unbiased, all pairs",
        interval=of_resamples(lambda c: resampled(c.bootstrap, **c.sides())),
    ),
)  # fmt: skip
