"""Sliced Wasserstein distance: the mean over directions of the squared Wasserstein distance of projections.

    SW² = E_w int_0^1 (F_w^-1(u) - G_w^-1(u))² du     w uniform on the unit sphere, F_w and G_w the distributions of
                                                      w·real and w·fake

On a line the optimal transport matches quantiles, so that sorting solves it; the step functions of samples of different
sizes are integrated exactly. 1/D of the squared distance between the means is part of SW². Two samples of N of the same
distribution are apart by a multiple of 1/N: read the number next to that of the `real` control.

The mean is over `DIRECTIONS` directions, drawn from a fixed seed, in float64, on the device of the features.

The sampling interval is that of resampled distances, to first order. On a line the influence of an item x is
Kantorovich's potential, the integral up to x of 2 (x - T(x)), T(x) what x is matched with; it is averaged over
directions.

References:
    Rabin, Peyré, Delon, Bernot 2012, Wasserstein barycenter and its application to texture mixing; Bonneel, Rabin,
    Peyré, Pfister 2015, Sliced and Radon Wasserstein barycenters of measures; Santambrogio 2015, Optimal transport for
    applied mathematicians, section 7.2 (the potential as first variation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_features
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Metric, has_samples, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from pipeline.metrics.evaluation.bootstrap import Bootstrap
    from pipeline.metrics.evaluation.context import EvaluationContext

DIRECTIONS = 200
VALUES = 2**22
"""Projections that are held at a time: 32 MB in float64."""


class Coupling(NamedTuple):
    """How sorted samples of N and M items are matched: K pairs, K < N + M."""

    weight: Tensor
    """(K,) float64, of sum 1."""
    real: Tensor
    """(K,) long: ranks."""
    fake: Tensor
    """(K,) long: ranks."""


class Sliced(NamedTuple):
    distance: float
    """SW²."""
    real: Tensor
    """(N,) float64: the influence of each real item, up to a constant."""
    fake: Tensor
    """(M,) float64: of each fake item."""


def coupling(n: int, m: int) -> Coupling:
    """Of the quantile functions of n and m items: each step of one of them begins a new pair."""
    import torch

    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).unique()  # in units of 1 / (n m)
    size = ends.diff(prepend=ends.new_zeros(1))
    return Coupling(size.double() / (n * m), (ends - 1) // m, (ends - 1) // n)


def sliced(*, real: Tensor, fake: Tensor, directions: int = DIRECTIONS) -> Sliced:
    """SW² and its influences.

    Args:
        real: (N, D) features, N >= 1.
        fake: (M, D) features, M >= 1, on the same device. Time is O((N + M) (D + log(N + M)) directions).
        directions: their number.

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: The numbers of columns differ.
    """
    import torch

    check_features(real, fake)
    pairs = Coupling(*(part.to(real.device) for part in coupling(len(real), len(fake))))
    origin = real.double().mean(dim=0)
    a, b = real.double() - origin, fake.double() - origin
    total, moved = 0.0, (a.new_zeros(len(a)), b.new_zeros(len(b)))
    for w in _directions(a.shape[1], directions, max(1, VALUES // (len(a) + len(b)))):
        x, y = ((side @ w.to(side.device)).sort(dim=0) for side in (a, b))  # (N, W), (M, W)
        gap = x.values[pairs.real] - y.values[pairs.fake]  # (K, W)
        total += float((pairs.weight[:, None] * gap.square()).sum())
        for side, own, other, ranks in (
            (moved[0], x, y.values, (pairs.real, pairs.fake)),
            (moved[1], y, x.values, (pairs.fake, pairs.real)),
        ):
            potential = _potential(own.values, other, *ranks)
            side += torch.zeros_like(potential).scatter_(0, own.indices, potential).sum(dim=1)
    return Sliced(total / directions, moved[0] / directions, moved[1] / directions)


def _directions(dims: int, count: int, most: int) -> Iterator[Tensor]:
    """Unit vectors (dims, <= most), `count` in all."""
    import torch

    rng = torch.Generator().manual_seed(0)
    w = torch.randn(count, dims, generator=rng, dtype=torch.float64)
    yield from (part.T for part in (w / w.norm(dim=1, keepdim=True)).split(most))


def _potential(x: Tensor, y: Tensor, rank: Tensor, matched: Tensor) -> Tensor:
    """Kantorovich's potential of each item on a line, of mean 0.

    Two neighbours x < x' that are matched with one y differ by (x' - y)² - (x - y)², as both attain the dual's bound.
    Where the partner changes with the item, from y to y', the potential is free between two values; theirs is the mean.

    Args:
        x: (N, W), sorted along the first axis.
        y: (M, W), likewise.
        rank: (K,) of each pair the rank in x, ascending.
        matched: (K,) and in y.

    Returns:
        (N, W).
    """
    import torch

    last = rank.diff().nonzero()[:, 0]  # (N - 1,): the last pair of each item but the largest
    partners = y[matched[last]] + y[matched[last + 1]]
    steps = x.diff(dim=0) * (x[1:] + x[:-1] - partners)
    potential = torch.cat([torch.zeros_like(x[:1]), steps.cumsum(dim=0)])
    return potential - potential.mean(dim=0)


def resampled(bootstrap: Bootstrap, found: Sliced) -> Tensor:
    """The distances of B resamples, (B,) float64, on the CPU; up to a constant."""
    return bootstrap.means("real", found.real.cpu()) + bootstrap.means("fake", found.fake.cpu())


@shared
def _sliced(context: EvaluationContext) -> Sliced:
    return sliced(**context.sides())


METRICS = (
    Metric(
        name="sliced_wasserstein", title="sliced Wasserstein²", unit="squared distance", better="lower", order=285,
        table="file", log_scale=True, compute=lambda c: _sliced(c).distance, requires=has_samples,
        protocol=lambda c: f"{protocol.features(c)}, {DIRECTIONS} directions",
        interval=of_resamples(lambda c: resampled(c.bootstrap, _sliced(c)), 0),
    ),
)  # fmt: skip
