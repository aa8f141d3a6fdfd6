"""The table of metrics by capability.

To add a metric: a pure function of tensors in a file of its own, and one row here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

from torch import Tensor

from pipeline.metrics import divergence, half_samples, needs, protocol, ranges, resampled
from pipeline.metrics.bootstrap import Ends, ends
from pipeline.metrics.diversity import diversity, sharing
from pipeline.metrics.evidence import Evidence
from pipeline.metrics.frechet import frechet, frechet_infinity
from pipeline.metrics.kernel import kernel
from pipeline.metrics.likelihood import bits_per_dim
from pipeline.metrics.memory import copying
from pipeline.metrics.needs import Need, every

Better = Literal["higher", "lower", "none"]
"""None: there is no ranking by it, be it that it is of the data, or that what is right lies in the middle."""
Words = Callable[[Evidence], str]
Items = Callable[[Evidence], Tensor]
"""(N, ...): what each item of a side adds to a mean."""
Spread = Callable[[Evidence, float], Ends | None]
"""Of the number that was measured."""


class Entry(TypedDict):
    """One number as it is written, with all that is needed to compare it."""

    value: float
    unit: str
    better: Better
    kind: str
    protocol: str
    low: NotRequired[float]
    """Of the sampling interval, where one is known."""
    high: NotRequired[float]


@dataclass(frozen=True)
class Metric:
    """One row of the table. `name` may hold `{draws}`; rows of one name never apply together."""

    name: str
    unit: str
    better: Better
    needs: Need
    compute: Callable[[Evidence], float]
    kind: Words
    protocol: Words
    spread: Spread | None = None
    """The sampling interval."""


def measure(evidence: Evidence) -> dict[str, Entry]:
    """Every metric that applies, by name; one that does not is absent.

    Raises:
        FloatingPointError: a number is not finite or outside its metric's range; the message names the metric or
            the item.
    """
    applicable = (metric for metric in METRICS if metric.needs(evidence))
    return {metric.name.format(draws=evidence.settings.draws): entry(metric, evidence) for metric in applicable}


def entry(metric: Metric, evidence: Evidence) -> Entry:
    value = float(metric.compute(evidence))
    if not math.isfinite(value):
        raise FloatingPointError(f"{metric.name} is not finite: {value}")
    if wrong := ranges.mistake(metric.name, metric.unit, value):
        raise FloatingPointError(wrong)
    made = Entry(
        value=value,
        unit=metric.unit,
        better=metric.better,
        kind=metric.kind(evidence),
        protocol=metric.protocol(evidence),
    )
    spread = metric.spread(evidence, value) if metric.spread else None
    if spread:
        if not all(map(math.isfinite, spread)):
            raise FloatingPointError(f"the sampling interval of {metric.name} is not finite: {spread}")
        made["low"], made["high"] = spread
    return made


def _nats(evidence: Evidence) -> float:
    return float(evidence.likelihood.log_p.mean())


def _elbo(evidence: Evidence) -> float:
    return float(evidence.likelihood.elbo.mean())


def _bits(nats: Callable[[Evidence], float]) -> Callable[[Evidence], float]:
    return lambda e: bits_per_dim(nats(e), e.task.event.dims)


def _each(side: str, values: Items, least: float = -math.inf, most: float = math.inf) -> Spread:
    """Of a mean over the items of a side; none where all are alike, for that tells no spread."""

    def spread(evidence: Evidence, value: float) -> Ends | None:
        found = values(evidence)
        same = bool((found == found[0]).all())
        return None if same else ends(evidence.bootstrap.means(side, found), value, least, most)

    return spread


def _share(side: str, values: Items) -> Spread:
    return _each(side, values, 0, 1)


def _half_share(metric: str, side: str, halves: Items, factor: float = 1.0) -> Spread:
    """Of a share of the items of a side that depends on all of both samples; none of samples that are too small."""

    def spread(evidence: Evidence, value: float) -> Ends | None:
        if not evidence.has_halves:
            return None
        items, more = len(evidence.real if side == "real" else evidence.fake), evidence.shared_sources(metric)
        return half_samples.share_ends(value, halves(evidence), items, factor=factor, more=more)

    return spread


def _half_density(evidence: Evidence, value: float) -> Ends | None:
    if not evidence.has_halves:
        return None
    found, more = evidence.half_scores, evidence.shared_sources("density")
    return half_samples.positive_ends(value, found.density, ratio=found.density_ratio, more=more)


def _each_bits(nats: Items) -> Spread:
    """Of a mean over the test split, in bits per dimension."""
    return _each("real", lambda e: bits_per_dim(nats(e), e.task.event.dims))


def _resampled(values: Callable[[Evidence], Tensor], least: float = -math.inf, most: float = math.inf) -> Spread:
    """Of a number that each resample has, and that lies between `least` and `most`."""
    return lambda e, value: ends(values(e), value, least, most)


def _hits(evidence: Evidence, value: float) -> Ends:
    return ends(evidence.visits_resampled.hit, value, 0, len(evidence.histogram.p))


def _log_p(evidence: Evidence) -> Tensor:
    return evidence.likelihood.log_p


def _log_elbo(evidence: Evidence) -> Tensor:
    return evidence.likelihood.elbo


def _unconditional(evidence: Evidence) -> Tensor:
    return evidence.unconditional.log_p


def _mean(values: Items) -> Callable[[Evidence], float]:
    return lambda e: float(values(e).double().mean())


def _real_diversity(evidence: Evidence) -> float:
    return float(diversity(real=evidence.real, groups=sharing(evidence.real, evidence.real_c)).mean())


def _obedience(kind: str, name: str, unit: str, better: Better, most: float = 1) -> tuple[Metric, ...]:
    """What samples score for showing what was asked of them, between what real images score at best and at worst."""

    def row(name: str, side: str, each: Items, better: Better, made: Words, how: Words) -> Metric:
        def score(evidence: Evidence) -> float:
            return float(evidence.judges[kind].overall(each(evidence).mean(dim=0)))

        def of_resamples(evidence: Evidence) -> Tensor:
            return evidence.judges[kind].overall(evidence.bootstrap.means(side, each(evidence)))

        needed = every(needs.samples, needs.judge(kind))
        return Metric(name, unit, better, needed, score, made, how, _resampled(of_resamples, 0, most))

    real = protocol.measured, protocol.real_obedience(kind)
    return (
        row(name, "fake", lambda e: e.obeyed, better, protocol.estimate, protocol.obedience(kind)),
        row(f"{name}_ceiling", "real", lambda e: e.obeyed_by_real, "none", *real),
        row(f"{name}_floor", "real", lambda e: e.obeyed_by_chance, "none", *real),
    )


_points, _images = every(needs.points, needs.bounded), every(needs.images, needs.bounded)
_inexact_points, _inexact_images = every(_points, needs.inexact), every(_images, needs.inexact)

METRICS = (
    Metric("nats", "nats", "higher", _points, _nats, protocol.at_least, protocol.likelihood, _each("real", _log_p)),
    Metric("bits_per_dim", "bits/dim", "lower", _images, _bits(_nats), protocol.at_most, protocol.likelihood,
           _each_bits(_log_p)),
    Metric("elbo", "nats", "higher", _inexact_points, _elbo, protocol.at_least_elbo, protocol.likelihood,
           _each("real", _log_elbo)),
    Metric("elbo", "bits/dim", "lower", _inexact_images, _bits(_elbo), protocol.at_most_elbo, protocol.likelihood,
           _each_bits(_log_elbo)),
    Metric("iwae_{draws}", "nats", "higher", every(_inexact_points, needs.weighted), _nats,
           protocol.at_least, protocol.likelihood, _each("real", _log_p)),
    Metric("iwae_{draws}", "bits/dim", "lower", every(_inexact_images, needs.weighted), _bits(_nats),
           protocol.at_most, protocol.likelihood, _each_bits(_log_p)),
    Metric("bits_per_dim_unconditional", "bits/dim", "lower", every(needs.images, needs.forgets),
           _bits(_mean(_unconditional)), protocol.at_most_unconditional, protocol.unconditional,
           _each_bits(_unconditional)),

    Metric("frechet", "squared distance", "lower", needs.samples,
           lambda e: frechet(real=e.real, fake=e.fake), protocol.estimate, protocol.gaussians,
           _resampled(lambda e: resampled.frechet(e.bootstrap, real=e.real, fake=e.fake), 0)),
    Metric("frechet_infinity", "squared distance", "lower", needs.samples,
           lambda e: frechet_infinity(real=e.real, fake=e.fake), protocol.estimate, protocol.extrapolated),
    Metric("kernel", "squared distance", "lower", needs.samples,
           lambda e: kernel(real=e.real, fake=e.fake), protocol.estimate, protocol.kernel,
           _resampled(lambda e: resampled.kernel(e.bootstrap, real=e.real, fake=e.fake))),
    Metric("precision", "share", "higher", needs.samples,
           lambda e: e.manifold.precision, protocol.estimate, protocol.neighbours,
           _half_share("precision", "fake", lambda e: e.half_scores.precision)),
    Metric("recall", "share", "higher", needs.samples,
           lambda e: e.manifold.recall, protocol.estimate, protocol.neighbours,
           _half_share("recall", "real", lambda e: e.half_scores.recall)),
    Metric("density", "balls", "higher", needs.samples,
           lambda e: e.manifold.density, protocol.estimate, protocol.coverage_neighbours,
           _half_density),
    Metric("coverage", "share", "higher", needs.samples,
           lambda e: e.manifold.coverage, protocol.estimate, protocol.coverage_neighbours,
           _half_share("coverage", "real", lambda e: e.half_scores.coverage)),

    Metric("f_8", "F-score", "higher", needs.samples,
           lambda e: float(e.prd.f_recall), protocol.estimate, protocol.cells,
           _half_share("f_8", "fake", lambda e: e.half_prd.f_recall, half_samples.CELLS)),
    Metric("f_1_8", "F-score", "higher", needs.samples,
           lambda e: float(e.prd.f_precision), protocol.estimate, protocol.cells,
           _half_share("f_1_8", "fake", lambda e: e.half_prd.f_precision, half_samples.CELLS)),

    Metric("reconstruction", "squared error per value", "lower", needs.reconstructs,
           _mean(lambda e: e.reconstruction), protocol.measured, protocol.test,
           _each("real", lambda e: e.reconstruction, 0)),
    Metric("restoration", "squared error per value", "lower", needs.reconstructs,
           _mean(lambda e: e.restoration), protocol.measured, protocol.corrupted,
           _each("real", lambda e: e.restoration, 0)),

    Metric("modes_hit", "modes", "higher", every(needs.samples, needs.modes),
           lambda e: float(e.visits.hit), protocol.estimate, protocol.modes, _hits),
    Metric("high_quality", "share", "higher", every(needs.samples, needs.truth),
           _mean(lambda e: e.high_quality), protocol.estimate, protocol.modes,
           _share("fake", lambda e: e.high_quality)),
    Metric("mode_kl_pq", "nats", "lower", needs.visited,
           lambda e: float(e.visits.kl_pq), protocol.estimate, protocol.modes,
           _resampled(lambda e: e.visits_resampled.kl_pq, 0)),
    Metric("mode_kl_qp", "nats", "lower", needs.visited,
           lambda e: float(e.visits.kl_qp), protocol.estimate, protocol.modes,
           _resampled(lambda e: e.visits_resampled.kl_qp, 0)),
    Metric("tail_recall", "share", "higher", every(needs.samples, needs.rare_modes),
           lambda e: float(e.visits.tail_recall), protocol.estimate, protocol.modes,
           _resampled(lambda e: e.visits_resampled.tail_recall, 0, 1)),

    *_obedience("class", "class_accuracy", "share", "higher"),
    *_obedience("box", "box_iou", "intersection over union", "higher"),
    *_obedience("segmentation", "segmentation_miou", "intersection over union", "higher"),
    *_obedience("grayscale", "luma_error", "levels of 255", "lower", 255),

    Metric("conditional_diversity", "ratio", "none", needs.repeated, _mean(lambda e: e.diversity),
           protocol.estimate, protocol.repeated, _each("fake", lambda e: e.diversity, 0)),
    Metric("conditional_diversity_real", "ratio", "none", needs.shared, _real_diversity,
           protocol.measured, protocol.real),
    Metric("conditional_precision", "share", "higher", needs.classwise,
           lambda e: e.classwise.precision, protocol.estimate, protocol.classwise),
    Metric("conditional_recall", "share", "higher", needs.classwise,
           lambda e: e.classwise.recall, protocol.estimate, protocol.classwise),

    Metric("kl_pq", "nats", "lower", every(needs.density, needs.exact), _mean(lambda e: e.log_ratio),
           protocol.monte_carlo, protocol.likelihood, _each("real", lambda e: e.log_ratio)),
    Metric("kl_pq", "nats", "lower", every(needs.density, needs.bounded, needs.inexact), _mean(lambda e: e.log_ratio),
           protocol.at_most, protocol.likelihood, _each("real", lambda e: e.log_ratio)),
    Metric("kl_pq", "nats", "lower", every(needs.density, needs.implicit),
           lambda e: divergence.histogram_kl_pq(truth=e.truth, fake=e.samples), protocol.histogram,
           protocol.histogram_samples),
    Metric("kl_qp", "nats", "lower", every(needs.density, needs.exact),
           _mean(lambda e: e.log_ratio_sampled), protocol.monte_carlo, protocol.samples,
           _each("fake", lambda e: e.log_ratio_sampled)),
    Metric("kl_qp", "nats", "lower", every(needs.density, needs.inexact),
           lambda e: divergence.histogram_kl_qp(truth=e.truth, fake=e.samples), protocol.histogram,
           protocol.histogram_samples),

    Metric("authenticity", "share", "none", needs.samples,
           _mean(lambda e: e.authentic), protocol.estimate, protocol.train,
           _share("fake", lambda e: e.authentic)),
    Metric("memorisation_ct", "z-score", "none", needs.samples,
           lambda e: copying(train=e.train, real=e.real, fake=e.fake), protocol.estimate, protocol.train_and_test),
)  # fmt: skip
