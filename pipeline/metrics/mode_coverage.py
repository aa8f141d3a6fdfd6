"""How many of the truth's modes a sample covers, so that neither noise nor blur counts as coverage.

One sample hits a mode (`modes`, the published protocol), so that a uniform sampler, which is everywhere, hits as many
modes as held-out data do. Here a mode is covered only if it has its share of the samples, of good quality:

    n_k >= max(1, SHARE m p_k a)       n_k    accepted samples in mode k, of m samples
                                       p_k    probability of mode k under the truth
                                       a      probability that a sample of the truth is accepted

What is accepted:

    mixture    a sample no farther from the mean of its mode than the median distance, (2 ln 2)^(1/2) = 1.18 sigma in
               the plane. Half of the truth's own samples are, so a = 1/2; of uniform noise within 3 sigma, 15 %.
    images     a sample that the judge of the factors reads with confidence, which is the product over factors of the
               largest probability, and that is no farther from its nearest test image (Euclidean, in pixels) than test
               images are from each other. Each bound is a quantile that PASSED of the test images pass; a is the share
               of them that pass both. Noise is too far from every image, and what lies between modes, as the blurred
               mean of two images does, is read without confidence.

Computed on the CPU, from the answers of the judge.

SHARE is fixed: a quarter. So a Gaussian mode that is up to 2.2 times as wide as the truth's is covered, and noise in
the bounding box of the data covers none of the benchmark's mixtures' modes, as follows from the areas. Where fewer than
1 / SHARE samples are expected in a mode, one is enough.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics import modes
from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.modes import Histogram, tail
from pipeline.metrics.registry import Ends, Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

SHARE = 0.25
"""Of the accepted samples that a mode should have."""
BLOCK = 2**15
"""Images whose distances are computed at a time."""
PASSED = 0.95
"""Share of the test images on the right side of each bound."""


class Coverage(NamedTuple):
    """Each (...) float64, as many as there are histograms; higher is better."""

    modes: Tensor
    """Modes that are covered."""
    tail: Tensor
    """Share of the tail's modes that are covered; nan without a tail."""


class Gate(NamedTuple):
    """Which images are accepted."""

    confidence: float
    """The least that the judge has to have, in [0, 1]."""
    distance: float
    """The most that the nearest test image may be away."""
    accepted: float
    """a, in (0, 1]."""


def coverage(histogram: Histogram, *, items: int, accepted: float) -> Coverage:
    """Count the modes that are covered.

    Args:
        histogram: the truth, and counts (..., K) of accepted samples in each mode.
        items: number of samples, accepted or not.
        accepted: a, in (0, 1].
    """
    expected = items * accepted * histogram.p
    covered = (histogram.counts >= (SHARE * expected).clamp(min=1)).double()
    return Coverage(covered.sum(-1), covered[..., tail(histogram.p)].mean(-1))


def median_radius(dims: int) -> float:
    """The median distance of a sample of a Gaussian in `dims` dimensions from its mean, in sigma."""
    from scipy.special import chdtri

    return math.sqrt(float(chdtri(dims, 0.5)))


def gate(test: Tensor, confidence: Tensor) -> Gate:
    """Calibrate on test images.

    Args:
        test: (T, C, H, W), T >= 2.
        confidence: (T,) of the judge, in [0, 1].
    """
    from pipeline.metrics.neighbours import nearest

    test = test[:].flatten(1)
    apart = nearest(test, test, count=2)[0][:, 1]  # column 0 is the image itself
    least = float(confidence.double().quantile(1 - PASSED))
    most = float(apart.quantile(PASSED))
    return Gate(least, most, float(((confidence >= least) & (apart <= most)).double().mean()))


def accepts(gate: Gate, *, x: Tensor, confidence: Tensor, test: Tensor) -> Tensor:
    """Which images pass both bounds.

    Args:
        x: (M, C, H, W).
        confidence: (M,) of the judge.
        test: (T, C, H, W), the images that the gate was calibrated on.

    Returns:
        (M,) bool.
    """
    import torch

    from pipeline.metrics.neighbours import nearest

    check_finite(x, "image")
    test = test[:].flatten(1)
    away = torch.cat([nearest(part.flatten(1), test, count=1)[0][:, 0] for part in x.split(BLOCK)])
    return (confidence >= gate.confidence) & (away <= gate.distance)


@shared
def _gate(context: EvaluationContext) -> Gate:
    test = context.test[0]
    return gate(test, context.judges["factors"].answer_with_confidence(test).confidence)


@shared
def _accepted(context: EvaluationContext) -> Histogram:
    """Of the known modes: the samples that are accepted."""
    if context.has_truth:
        within = median_radius(context.task.event.dims)
        return modes.histogram(context.truth, *modes.placed(context), within=within)
    read = modes.factor_reading(context)
    passed = accepts(_gate(context), x=context.many, confidence=read.confidence, test=context.test[0])
    return modes.factor_histogram(context.task.factors, read.answer[passed])


@shared
def _coverage(context: EvaluationContext) -> Coverage:
    return _counted(context, _accepted(context))


@shared
def _coverage_resampled(context: EvaluationContext) -> Coverage:
    found = _accepted(context)
    counts = context.bootstrap.histograms(found.counts, len(context.many))
    return _counted(context, found._replace(counts=counts))


def _counted(context: EvaluationContext, histogram: Histogram) -> Coverage:
    accepted = 0.5 if context.has_truth else _gate(context).accepted
    return coverage(histogram, items=len(context.many), accepted=accepted)


def _protocol(context: EvaluationContext) -> str:
    """What is accepted, and how much of it a mode needs."""
    if context.has_truth:
        accepted = f"within {median_radius(context.task.event.dims):.2f} sigma"
    else:
        judge = context.judges["factors"].protocol
        accepted = f"{judge}, bounds that {PASSED:.0%} of {protocol.test(context)} pass"
    count = len(modes.mode_histogram(context).p)
    return f"{protocol.many(context)}, {count} modes, {SHARE:g} of the expected count, {accepted}"


def _covered_interval(context: EvaluationContext, value: float) -> Ends:
    from pipeline.metrics.evaluation.bootstrap import ends

    return ends(_coverage_resampled(context).modes, value, 0, len(modes.mode_histogram(context).p))


METRICS = (
    Metric(
        name="modes_covered", title="modes covered", unit="modes", better="higher", order=190, digits=1,
        compute=lambda c: float(_coverage(c).modes), requires=lambda c: has_samples(c) and c.has_modes,
        protocol=_protocol, interval=_covered_interval,
    ),
    Metric(
        name="tail_covered", title="tail covered", unit="share", better="higher", order=200, digits=3,
        compute=lambda c: float(_coverage(c).tail), requires=lambda c: has_samples(c) and modes.has_tail(c),
        protocol=_protocol, interval=of_resamples(lambda c: _coverage_resampled(c).tail, 0, 1),
    ),
)  # fmt: skip
