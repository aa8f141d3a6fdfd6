"""The table of metrics by capability.

To add a metric: a pure function of tensors in a file of its own, and one row here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

from torch import Tensor

from pipeline.contract import Batch, Exact, Reconstructs
from pipeline.metrics import divergence, needs, protocol
from pipeline.metrics.bootstrap import LARGEST, WIDEST, Ends
from pipeline.metrics.diversity import diversity, sharing
from pipeline.metrics.evidence import Evidence
from pipeline.metrics.frechet import frechet, frechet_infinity
from pipeline.metrics.kernel import kernel
from pipeline.metrics.likelihood import bits_per_dim, log_prob
from pipeline.metrics.memory import copying
from pipeline.metrics.modes import log_density
from pipeline.metrics.needs import Need, every
from pipeline.metrics.obedience import shuffled
from pipeline.metrics.reconstruction import reconstruction_error, restoration_error

Better = Literal["higher", "lower", "none"]
"""None: there is no ranking by it, be it that it is of the data, or that what is right lies in the middle."""
Words = Callable[[Evidence], str]
Spread = Callable[[Evidence], Ends | None]


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
        FloatingPointError: a number is not finite; the message names the metric or the item.
    """
    applicable = (metric for metric in METRICS if metric.needs(evidence))
    return {metric.name.format(draws=evidence.settings.draws): entry(metric, evidence) for metric in applicable}


def entry(metric: Metric, evidence: Evidence) -> Entry:
    value = float(metric.compute(evidence))
    if not math.isfinite(value):
        raise FloatingPointError(f"{metric.name} is not finite: {value}")
    made = Entry(
        value=value,
        unit=metric.unit,
        better=metric.better,
        kind=metric.kind(evidence),
        protocol=metric.protocol(evidence),
    )
    spread = metric.spread(evidence) if metric.spread else None
    if spread:
        made["low"], made["high"] = spread
    return made


def _nats(evidence: Evidence) -> float:
    return float(evidence.likelihood.log_p.mean())


def _elbo(evidence: Evidence) -> float:
    return float(evidence.likelihood.elbo.mean())


def _bits(nats: Callable[[Evidence], float]) -> Callable[[Evidence], float]:
    return lambda e: bits_per_dim(nats(e), e.task.event.dims)


def _each(side: str, values: Callable[[Evidence], Tensor]) -> Spread:
    """Of a mean over the items of a side."""
    return lambda e: e.bootstrap.mean(side, values(e))


def _each_bits(nats: Callable[[Evidence], Tensor]) -> Spread:
    def spread(evidence: Evidence) -> Ends:
        low, high = evidence.bootstrap.mean("real", nats(evidence))
        return Ends(*(bits_per_dim(end, evidence.task.event.dims) for end in (high, low)))

    return spread


def _log_p(evidence: Evidence) -> Tensor:
    return evidence.likelihood.log_p


def _log_elbo(evidence: Evidence) -> Tensor:
    return evidence.likelihood.elbo


def _frechet_spread(evidence: Evidence) -> Ends | None:
    wide = evidence.real.shape[1] > WIDEST
    return None if wide else evidence.bootstrap.frechet(real=evidence.real, fake=evidence.fake)


def _kernel_spread(evidence: Evidence) -> Ends | None:
    many = max(len(evidence.real), len(evidence.fake)) > LARGEST
    return None if many else evidence.bootstrap.kernel(real=evidence.real, fake=evidence.fake)


def _kl_pq(evidence: Evidence) -> float:
    log_p = log_density(evidence.truth, evidence.test[0])
    return divergence.kl_pq(log_p=log_p, log_q=evidence.likelihood.log_p)


def _kl_qp(evidence: Evidence) -> float:
    model, x = evidence.model, evidence.samples
    assert isinstance(model, Exact)
    log_q = log_prob(model, x, x.new_empty(len(x), 0), chunk=evidence.settings.chunk)
    return divergence.kl_qp(log_p=log_density(evidence.truth, x), log_q=log_q)


def _reconstruction(evidence: Evidence) -> float:
    model = evidence.model
    assert isinstance(model, Reconstructs)
    return reconstruction_error(model, evidence.test, chunk=evidence.settings.chunk)


def _restoration(evidence: Evidence) -> float:
    model = evidence.model
    assert isinstance(model, Reconstructs)
    scale, chunk = evidence.task.event.scale, evidence.settings.chunk
    return restoration_error(model, evidence.test, scale=scale, chunk=chunk)


def _unconditional(evidence: Evidence) -> float:
    return float(evidence.unconditional.log_p.mean())


def _diversity(evidence: Evidence) -> float:
    return diversity(real=evidence.real, groups=list(evidence.repeated))


def _real_diversity(evidence: Evidence) -> float:
    return diversity(real=evidence.real, groups=sharing(evidence.real, evidence.real_c))


def _obedience(kind: str, name: str, unit: str, better: Better) -> tuple[Metric, ...]:
    """What samples score for showing what was asked of them, between what real images score at best and at worst."""

    def row(name: str, of: Callable[[Evidence], Batch], better: Better, made: Words, protocol: Words) -> Metric:
        needed = every(needs.samples, needs.judge(kind))
        return Metric(name, unit, better, needed, lambda e: e.judges[kind].score(*of(e)), made, protocol)

    real = protocol.measured, protocol.real_obedience(kind)
    return (
        row(name, lambda e: (e.samples, e.c), better, protocol.estimate, protocol.obedience(kind)),
        row(f"{name}_ceiling", lambda e: e.test, "none", *real),
        row(f"{name}_floor", lambda e: (e.test[0], shuffled(e.test[1])), "none", *real),
    )


_points, _images = every(needs.points, needs.bounded), every(needs.images, needs.bounded)
_factor_modes = every(needs.samples, needs.judge("factors"))
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
    Metric("bits_per_dim_unconditional", "bits/dim", "lower", every(needs.images, needs.forgets), _bits(_unconditional),
           protocol.at_most_unconditional, protocol.unconditional),

    Metric("frechet", "squared distance", "lower", needs.samples,
           lambda e: frechet(real=e.real, fake=e.fake), protocol.estimate, protocol.features, _frechet_spread),
    Metric("frechet_infinity", "squared distance", "lower", needs.samples,
           lambda e: frechet_infinity(real=e.real, fake=e.fake), protocol.estimate, protocol.extrapolated),
    Metric("kernel", "squared distance", "lower", needs.samples,
           lambda e: kernel(real=e.real, fake=e.fake), protocol.estimate, protocol.kernel, _kernel_spread),
    Metric("precision", "share", "higher", needs.samples,
           lambda e: e.manifold.precision, protocol.estimate, protocol.neighbours,
           _each("fake", lambda e: e.memberships.precise)),
    Metric("recall", "share", "higher", needs.samples,
           lambda e: e.manifold.recall, protocol.estimate, protocol.neighbours,
           _each("real", lambda e: e.memberships.recalled)),
    Metric("density", "balls", "higher", needs.samples,
           lambda e: e.manifold.density, protocol.estimate, protocol.coverage_neighbours,
           _each("fake", lambda e: e.memberships.inside / e.settings.coverage_neighbours)),
    Metric("coverage", "share", "higher", needs.samples,
           lambda e: e.manifold.coverage, protocol.estimate, protocol.coverage_neighbours,
           _each("real", lambda e: e.memberships.covered)),

    Metric("f_8", "F-score", "higher", needs.samples, lambda e: e.prd.f_recall, protocol.estimate, protocol.cells),
    Metric("f_1_8", "F-score", "higher", needs.samples, lambda e: e.prd.f_precision, protocol.estimate, protocol.cells),

    Metric("reconstruction", "squared error per value", "lower", needs.reconstructs,
           _reconstruction, protocol.measured, protocol.test),
    Metric("restoration", "squared error per value", "lower", needs.reconstructs,
           _restoration, protocol.measured, protocol.corrupted),

    Metric("modes_hit", "modes", "higher", needs.truth,
           lambda e: e.modes.hit, protocol.estimate, protocol.modes),
    Metric("high_quality", "share", "higher", needs.truth,
           lambda e: e.modes.high_quality, protocol.estimate, protocol.modes),
    Metric("mode_kl_pq", "nats", "lower", needs.modes,
           lambda e: e.modes.kl_pq, protocol.estimate, protocol.modes),
    Metric("mode_kl_qp", "nats", "lower", needs.modes,
           lambda e: e.modes.kl_qp, protocol.estimate, protocol.modes),

    Metric("tail_recall", "share", "higher", every(needs.samples, needs.truth_tail),
           lambda e: e.modes.tail_recall, protocol.estimate, protocol.modes),

    Metric("modes_hit", "modes", "higher", _factor_modes,
           lambda e: e.factor_modes.hit, protocol.estimate, protocol.factor_modes),
    Metric("mode_kl_pq", "nats", "lower", _factor_modes,
           lambda e: e.factor_modes.kl_pq, protocol.estimate, protocol.factor_modes),
    Metric("mode_kl_qp", "nats", "lower", _factor_modes,
           lambda e: e.factor_modes.kl_qp, protocol.estimate, protocol.factor_modes),
    Metric("tail_recall", "share", "higher", every(needs.samples, needs.factor_tail),
           lambda e: e.factor_modes.tail_recall, protocol.estimate, protocol.factor_modes),

    *_obedience("class", "class_accuracy", "share", "higher"),
    *_obedience("box", "box_iou", "intersection over union", "higher"),
    *_obedience("segmentation", "segmentation_miou", "intersection over union", "higher"),
    *_obedience("grayscale", "luma_error", "levels of 255", "lower"),

    Metric("conditional_diversity", "ratio", "none", needs.repeated, _diversity, protocol.estimate, protocol.repeated),
    Metric("conditional_diversity_real", "ratio", "none", needs.shared, _real_diversity,
           protocol.measured, protocol.real),
    Metric("conditional_precision", "share", "higher", needs.classwise,
           lambda e: e.classwise.precision, protocol.estimate, protocol.classwise),
    Metric("conditional_recall", "share", "higher", needs.classwise,
           lambda e: e.classwise.recall, protocol.estimate, protocol.classwise),

    Metric("kl_pq", "nats", "lower", every(needs.density, needs.exact), _kl_pq,
           protocol.monte_carlo, protocol.likelihood),
    Metric("kl_pq", "nats", "lower", every(needs.density, needs.bounded, needs.inexact), _kl_pq,
           protocol.at_most, protocol.likelihood),
    Metric("kl_pq", "nats", "lower", every(needs.density, needs.implicit),
           lambda e: divergence.histogram_kl_pq(truth=e.truth, fake=e.samples), protocol.histogram, protocol.samples),
    Metric("kl_qp", "nats", "lower", every(needs.density, needs.exact), _kl_qp,
           protocol.monte_carlo, protocol.samples),
    Metric("kl_qp", "nats", "lower", every(needs.density, needs.inexact),
           lambda e: divergence.histogram_kl_qp(truth=e.truth, fake=e.samples), protocol.histogram, protocol.samples),

    Metric("authenticity", "share", "none", needs.samples,
           lambda e: float(e.authentic.double().mean()), protocol.estimate, protocol.train,
           _each("fake", lambda e: e.authentic)),
    Metric("memorisation_ct", "z-score", "none", needs.samples,
           lambda e: copying(train=e.train, real=e.real, fake=e.fake), protocol.estimate, protocol.train_and_test),
)  # fmt: skip
