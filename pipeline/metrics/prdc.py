"""Precision, recall, density and coverage (PRDC): how the k-nearest-neighbour balls of two samples overlap.

    R_i, F_j     the closed ball about real_i or fake_j whose radius is the distance to its k-th nearest other point
    precision    share of fake points in the union of all R        recall     share of real points in the union of all F
    density      mean number of R that a fake point lies in, / k   coverage   share of R with a fake point in them

Precision and recall use k = 3, density and coverage k = 5 by default. Of identical continuous distributions density is
1, and coverage with N real and M fake points

    1 - prod_{j = 1 .. k} (N - j) / (N + M - j),    about 1 - (N / (N + M))^k,    which is 1 - 2^-5 = .969 where N = M

(less than 1 by the chance that the first k neighbours of a real point are all real). Precision and recall are well
below 1. Recall is not the support that is covered; all but density reward copying.

Balls are closed, as in Kynkäänniemi et al. (a distance equal to the radius is inside), so that a set of duplicates
covers its own copy; the package prdc compares with <.

Density is dimensionless. The sampling intervals are by half-samples (`evaluation.half_samples`).

References:
    Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020, arXiv:2002.09797.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.registry import Ends, Interval, Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.metrics.neighbours import Memberships, Scores


class PRDC(NamedTuple):
    """Higher is better for each; all but density lie in [0, 1]."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(*, real: Tensor, fake: Tensor, neighbours: int = 3, coverage_neighbours: int = 5) -> PRDC:
    """All four metrics.

    Args:
        real: (N, D) features.
        fake: (M, D) features, on the same device. Memory is O((N + M) D).
        neighbours: k of precision and recall.
        coverage_neighbours: k of density and coverage.

    Raises:
        ValueError: a sample has too few points to have that many neighbours.
        FloatingPointError: a value is not finite; the message has the item's index.
    """
    from pipeline.metrics.neighbours import memberships

    found = memberships(real=real, fake=fake, neighbours=neighbours, coverage_neighbours=coverage_neighbours)
    return means(found, coverage_neighbours)


def means(found: Memberships, coverage_neighbours: int) -> PRDC:
    """The means over items."""
    precision, recall, density, coverage = (part.double().mean().item() for part in found)
    return PRDC(precision, recall, density / coverage_neighbours, coverage)


def balls(neighbours: int) -> str:
    """The part of a protocol that says which balls a metric uses."""
    return f"k={neighbours}, closed balls"


@shared
def _memberships(context: EvaluationContext) -> Memberships:
    from pipeline.metrics.neighbours import memberships

    found = memberships(**context.sides(), **_neighbours(context))
    return found._replace(**{name: part.cpu() for name, part in found._asdict().items()})


@shared
def _prdc(context: EvaluationContext) -> PRDC:
    return means(_memberships(context), context.settings.coverage_neighbours)


@shared
def _of_halves(context: EvaluationContext) -> Scores:
    from pipeline.metrics.evaluation.half_samples import halves
    from pipeline.metrics.neighbours import scores_of_halves

    return scores_of_halves(halves(context), **context.sides(), **_neighbours(context))


@shared
def _without_each_real(context: EvaluationContext) -> tuple[Tensor, ...]:
    from pipeline.metrics.neighbours import scores_without_each_real

    return scores_without_each_real(**context.sides(), **_neighbours(context))


class Neighbours(TypedDict):
    """The k of the radii: of precision and recall, and of density and coverage."""

    neighbours: int
    coverage_neighbours: int


def _neighbours(context: EvaluationContext) -> Neighbours:
    settings = context.settings
    return {"neighbours": settings.neighbours, "coverage_neighbours": settings.coverage_neighbours}


def _share_interval(side: str, index: int) -> Interval:
    """Of the share of the items of a side, by half-samples; none of samples that are too small."""

    def interval(context: EvaluationContext, value: float) -> Ends | None:
        from pipeline.metrics.evaluation import half_samples

        if not half_samples.are_large_enough(context):
            return None
        items = len(context.real if side == "real" else context.fake)
        more = half_samples.variance_of_sources(context, lambda c: _without_each_real(c)[index])
        return half_samples.share_ends(value, _of_halves(context)[:4][index], items, more=more)

    return interval


def _density_interval(context: EvaluationContext, value: float) -> Ends | None:
    from pipeline.metrics.evaluation import half_samples

    if not half_samples.are_large_enough(context):
        return None
    found = _of_halves(context)
    more = half_samples.variance_of_sources(context, lambda c: _without_each_real(c)[2])
    return half_samples.positive_ends(value, found.density, ratio=found.density_ratio, more=more)


def neighbours_protocol(context: EvaluationContext) -> str:
    """Of metrics with the radii of precision and recall."""
    return f"{protocol.features(context)}, {balls(context.settings.neighbours)}"


def _coverage_protocol(context: EvaluationContext) -> str:
    return f"{protocol.features(context)}, {balls(context.settings.coverage_neighbours)}"


METRICS = (
    Metric(
        name="precision", title="precision", unit="share", better="higher", order=60, digits=3,
        compute=lambda c: _prdc(c).precision, requires=has_samples, protocol=neighbours_protocol,
        interval=_share_interval("fake", 0),
    ),
    Metric(
        name="recall", title="recall", unit="share", better="higher", order=70, digits=3,
        compute=lambda c: _prdc(c).recall, requires=has_samples, protocol=neighbours_protocol,
        interval=_share_interval("real", 1),
    ),
    Metric(
        name="density", title="density", unit="dimensionless", better="higher", order=290, table="file", digits=3,
        compute=lambda c: _prdc(c).density, requires=has_samples, protocol=_coverage_protocol,
        interval=_density_interval,
    ),
    Metric(
        name="coverage", title="coverage", unit="share", better="higher", order=80, digits=3,
        compute=lambda c: _prdc(c).coverage, requires=has_samples, protocol=_coverage_protocol,
        interval=_share_interval("real", 3),
    ),
)  # fmt: skip
