"""Integrated alpha-precision and beta-recall: how the samples fill the typical part of the data, and the data theirs.

    P(a)   share of fake items no farther from the mean of the real ones than the share a of the real ones is
    R(b)   share of real items x, with f(x) their nearest fake item, for which
               |x - f(x)| <= distance of x to its nearest other real item, and
               f(x) is no farther from the mean of the fake items than the share b of all f(x) is
    IP = 1 - 2 int_0^1 |P(a) - a| da          IR = 1 - 2 int_0^1 |R(b) - b| db

P(a) = a for the true distribution, so that IP is 1 for many samples of it, and 0 for samples that all lie outside of
the data or all in their mean: unlike precision it asks for the spread as well. Of identical distributions the nearest
fake item is nearer than the nearest other real one with probability M / (N + M - 1), so R(b) is about b / 2 where
N = M, and IR is 1/2 at best: compare with the control `real`. The balls about a mean say little of data with several
modes.

P is a step function of the sorted distances, and is integrated exactly; the authors' code sums 30 steps.

The sampling intervals are by disjoint subsets of both samples (`evaluation.half_samples`).

References:
    Alaa, van Breugel, Saveliev, van der Schaar 2022, How faithful is your synthetic data?, arXiv:2102.08921.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_features
from pipeline.metrics.registry import Ends, Interval, Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.metrics.evaluation.half_samples import Recomputed


class Curves(NamedTuple):
    """P and R at the N steps of a and b; (N,) float64 each, ascending."""

    precision: Tensor
    recall: Tensor


class Matches(NamedTuple):
    """The nearest fake item of each real item."""

    near: Tensor
    """(N,) bool: no farther than the nearest other real item."""
    away: Tensor
    """(N,) float64: its distance from the mean of the fake items."""


def curves(*, real: Tensor, fake: Tensor) -> Curves:
    """P(i / N) and R(i / N), i = 1 .. N.

    Args:
        real: (N, D) features, N >= 2.
        fake: (M, D) features, on the same device. Memory is O((N + M) D).

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: There is one real item alone, or the numbers of columns differ.
    """
    check_features(real, fake)
    return Curves(_precision(*_radii(real, fake)), _recall(_matches(real, fake)))


def integrated(curve: Tensor) -> float:
    """1 - 2 int |curve(u) - u| du of a step function, (N,), with the i-th value on ((i - 1) / N, i / N]; in [0, 1]."""
    import torch

    ends = torch.linspace(0, 1, len(curve) + 1, dtype=torch.float64, device=curve.device)
    area = [0.5 * (u - curve) * (u - curve).abs() for u in (ends[:-1], ends[1:])]
    return 1 - 2 * float((area[1] - area[0]).sum())


def _radii(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """The distances from the mean of the real items, (N,) and (M,) float64, of either side ascending."""
    import torch

    centre = real.double().mean(dim=0)
    inside, away = (torch.linalg.vector_norm(x.double() - centre, dim=1).sort().values for x in (real, fake))
    return inside, away


def _precision(inside: Tensor, away: Tensor) -> Tensor:
    import torch

    return torch.searchsorted(away, inside, right=True).double() / len(away)


def _matches(real: Tensor, fake: Tensor) -> Matches:
    import torch

    from pipeline.metrics.neighbours import nearest, squared, squared_radii

    index = nearest(real, fake, count=1)[1][:, 0]
    apart = squared(real, fake, torch.arange(len(real), device=real.device), index)
    centre = fake.double().mean(dim=0)
    away = torch.linalg.vector_norm(fake.double() - centre, dim=1)[index]
    return Matches(apart <= squared_radii(real, (1,))[0], away)


def _recall(matches: Matches) -> Tensor:
    import torch

    away, order = matches.away.sort()
    found = matches.near[order].double().cumsum(dim=0)
    last = torch.searchsorted(away, away, right=True) - 1  # of equal distances
    return found[last] / len(away)


def scores(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """real (N, D), fake (M, D) -> IP and IR; higher is better."""
    found = curves(real=real, fake=fake)
    return integrated(found.precision), integrated(found.recall)


def without_each_real(*, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """IP and IR without each of the real items, (N,) float64 each; means and neighbours are held fixed."""
    import torch

    inside, order = _radii(real, fake)[0], torch.arange(len(real))
    radii = torch.linalg.vector_norm(real.double() - real.double().mean(dim=0), dim=1)
    whole, matches = _precision(*_radii(real, fake)), _matches(real, fake)
    rank = torch.searchsorted(inside, radii)
    precision = [integrated(torch.cat([whole[:i], whole[i + 1 :]])) for i in rank.tolist()]
    recall = [integrated(_recall(Matches(*(part[order != i] for part in matches)))) for i in order.tolist()]
    return torch.tensor(precision, dtype=torch.float64), torch.tensor(recall, dtype=torch.float64)


@shared
def _scores(context: EvaluationContext) -> tuple[float, float]:
    return scores(**context.sides())


@shared
def _recomputed(context: EvaluationContext) -> Recomputed:
    from pipeline.metrics.evaluation.half_samples import recomputed

    return recomputed(scores, **context.sides(), seed=context.seed)


@shared
def _without_each_real(context: EvaluationContext) -> tuple[Tensor, Tensor]:
    return without_each_real(real=context.real, fake=context.fake)


def _interval(index: int) -> Interval:
    """By disjoint subsets; none of samples that are too small."""

    def interval(context: EvaluationContext, value: float) -> Ends | None:
        from pipeline.metrics.evaluation import half_samples

        if not half_samples.enough(min(len(context.real), len(context.fake)), 1):
            return None
        found, items = _recomputed(context), min(len(context.real), len(context.fake))
        more = half_samples.variance_of_sources(context, lambda c: _without_each_real(c)[index])
        return half_samples.share_ends(value, found.values[:, :, index], items, factor=2 * found.ratio, more=more)

    return interval


METRICS = (
    Metric(
        name="alpha_precision", title="α-precision", unit="dimensionless", better="higher", order=316, table="file",
        digits=3, high=1.0, compute=lambda c: _scores(c)[0], requires=has_samples,
        protocol=lambda c: f"{protocol.features(c)}, integrated, about the mean", interval=_interval(0),
    ),
    Metric(
        name="beta_recall", title="β-recall", unit="dimensionless", better="higher", order=318, table="file",
        digits=3, high=1.0, compute=lambda c: _scores(c)[1], requires=has_samples,
        protocol=lambda c: f"{protocol.features(c)}, integrated, about the mean, k=1", interval=_interval(1),
    ),
)  # fmt: skip
