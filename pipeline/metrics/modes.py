"""Which of the known modes a sample hits: those of a Gaussian mixture, or combinations of independent factors.

Of a mixture a sample belongs to the nearest mode; it is of high quality if it is within 3 sigma of it (of the truth's
own samples in the plane 1 - exp(-4.5) = 98.9 % are). A mode is hit if one sample of high quality belongs to it. The
histogram over modes counts the samples of high quality, with 1/2 added to each mode so that an empty one costs a finite
amount: q_k = (n_k + 1/2) / (n + K/2).

    tail    the modes that are less probable than the median mode

One sample hits a mode, so that any sampler that is everywhere hits all of them if it is asked often enough. So the
expected hits of few samples stand beside the count (rarefaction): of as many as there are modes, drawn without
replacement from the m samples,

    sum_k 1 - C(m - n_k, K) / C(m, K)         n_k    samples of high quality in mode k

The truth's own, sum_k 1 - (1 - p_k a)^K with a the probability that its samples are of high quality, is the reference
of that number, and with the power m that of the count: what a perfect sampler hits with as many samples.

Where each image is drawn from a few independent factors, a mode is a combination of one value for each factor, and
P(mode) is the product of their weights. A classifier of the factors assigns each sample to a mode, as on stacked MNIST:
each sample belongs to one, however poor it is, so there is no share of high quality, and noise hits some modes too. The
histogram is smoothed, and its tail defined, as a mixture's is. Computed on the CPU, from the answers of the judge.

References:
    Srivastava et al. 2017, VEEGAN, arXiv:1705.07761; Lin et al. 2018, PacGAN, arXiv:1712.04086. Hurlbert 1971, The
    nonconcept of species diversity, doi:10.2307/1934145 (rarefaction).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.intervals import of_resamples, of_share
from pipeline.metrics.registry import Ends, Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.contract import Factor, Mixture
    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.metrics.judges.judge import Reading

WITHIN = 3.0
"""Radius of a mode, in sigma."""
TIE = 1 - 1e-9
"""Two products of the same weights in another order may differ in the last digit: a mode as probable as the median is
none of the tail."""


class Histogram(NamedTuple):
    """How many samples lie in each of K known modes."""

    p: Tensor
    """(K,) float64: the truth."""
    counts: Tensor
    """(..., K): samples in each mode, of one sample or of resamples of it."""


class Visits(NamedTuple):
    """Each (...) float64, as many as there are histograms."""

    hit: Tensor
    """Modes with a sample; higher is better."""
    kl_pq: Tensor
    """KL(p || q) of the histograms over modes, nats; lower is better."""
    kl_qp: Tensor
    """KL(q || p) likewise."""
    tail_recall: Tensor
    """Share of the tail's modes that are hit; higher is better. nan without a tail."""


def visits(histogram: Histogram) -> Visits:
    """Compare a histogram over the modes with the truth."""
    p, q, hit = histogram.p, smooth(histogram.counts), (histogram.counts > 0).double()
    return Visits(hit.sum(-1), kl(p, q), kl(q, p), hit[..., tail(p)].mean(-1))


def rarefied(counts: Tensor, items: int, drawn: int) -> Tensor:
    """Expected number of modes that are hit by some of the samples.

    Args:
        counts: (..., K): samples in each mode, of one sample or of resamples of it.
        items: m, all samples; some may lie in no mode.
        drawn: how many of them are drawn without replacement, at most m.

    Returns:
        (...) float64, in [0, min(K, drawn)].
    """
    import torch

    left = items - counts.double()  # not in the mode
    logs = torch.lgamma(left + 1) - torch.lgamma((left - drawn).clamp(min=0) + 1)
    whole = math.lgamma(items + 1) - math.lgamma(items - drawn + 1)
    missed = torch.where(left >= drawn, (logs - whole).exp(), 0.0)
    return (1 - missed).sum(dim=-1)


def expected_hits(p: Tensor, drawn: int, accepted: float) -> float:
    """Expected number of modes that `drawn` samples of the truth p (K,) hit; `accepted` of them are of high quality."""
    return float((1 - (1 - p.double() * accepted) ** drawn).sum())


def histogram(truth: Mixture, mode: Tensor, radius: Tensor, within: float = WITHIN) -> Histogram:
    """Count the samples near their mode.

    Args:
        truth: the mixture.
        mode: (N,) long, the mode that is nearest to each sample.
        radius: (N,), the distance from its mean in sigma (`nearest_mode`).
        within: a sample counts up to this distance, in sigma.
    """
    import torch

    p = torch.tensor(truth.weights, dtype=torch.float64)
    return Histogram(p, torch.bincount(mode[radius <= within], minlength=len(p)))


def factor_histogram(factors: tuple[Factor, ...], values: Tensor) -> Histogram:
    """Count the samples in each combination of the factors.

    Args:
        factors: F independent factors.
        values: (N, F) long, each sample's value of each factor.
    """
    import torch

    p = probabilities(factors)
    return Histogram(p, torch.bincount(combination(factors, values), minlength=len(p)))


def probabilities(factors: tuple[Factor, ...]) -> Tensor:
    """(K,) float64 of each combination, the last factor's value changing fastest."""
    import torch

    p = torch.ones(1, dtype=torch.float64)
    for factor in factors:
        p = torch.outer(p, torch.tensor(factor.weights, dtype=torch.float64)).flatten()
    return p


def combination(factors: tuple[Factor, ...], values: Tensor) -> Tensor:
    """values (N, F) long -> (N,) long: the index of each in `probabilities`."""
    index = values.new_zeros(len(values))
    for factor, value in zip(factors, values.unbind(dim=1), strict=True):
        index = index * len(factor.weights) + value
    return index


def nearest_mode(truth: Mixture, x: Tensor) -> tuple[Tensor, Tensor]:
    """x (N, D) -> mode (N,) long, and the distance from its mean in sigma (N,) float64."""
    nearest = _radii(truth, x).min(dim=1)
    return nearest.indices, nearest.values


def log_density(truth: Mixture, x: Tensor) -> Tensor:
    """x (N, D) -> (N,) float64 nats: log sum_k w_k N(x; mu_k, sigma² I)."""
    import torch

    from pipeline.distributions.mixture import mixture_log_prob

    check_finite(x, "item")
    log_sigma = torch.tensor(math.log(truth.sigma), dtype=torch.float64)
    means, weights = (torch.tensor(part, dtype=torch.float64) for part in (truth.means, truth.weights))
    return mixture_log_prob(x.double(), means, log_sigma, weights.log())


def smooth(counts: Tensor) -> Tensor:
    """Counts (..., K) -> probabilities (..., K) float64, 1/2 added to each (Krichevsky, Trofimov 1981)."""
    raised = counts.double() + 0.5
    return raised / raised.sum(dim=-1, keepdim=True)


def tail(p: Tensor) -> Tensor:
    """p (K,) -> (K,) bool."""
    return p < TIE * p.quantile(0.5)


def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) of histograms (..., K) -> (...) nats; 0 log 0 = 0."""
    import torch

    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(dim=-1)


def _radii(truth: Mixture, x: Tensor) -> Tensor:
    """x (N, D) -> (N, K) float64: distances from each mean in sigma."""
    import torch

    check_finite(x, "item")
    means = torch.tensor(truth.means, dtype=torch.float64)
    return torch.cdist(x.double(), means, compute_mode="donot_use_mm_for_euclid_dist") / truth.sigma


@shared
def placed(context: EvaluationContext) -> tuple[Tensor, Tensor]:
    """(L,), (L,): the mode of the mixture that is nearest to each sample, and its distance in sigma."""
    return nearest_mode(context.truth, context.many)


@shared
def factor_reading(context: EvaluationContext) -> Reading:
    """The values of the factors that their judge reads from each sample."""
    return context.judges["factors"].answer_with_confidence(context.many)


@shared
def mode_histogram(context: EvaluationContext) -> Histogram:
    """Of the known modes: a mixture's, or combinations of factors."""
    if context.has_truth:
        return histogram(context.truth, *placed(context))
    return factor_histogram(context.task.factors, factor_reading(context).answer)


@shared
def _visits(context: EvaluationContext) -> Visits:
    return visits(mode_histogram(context))


@shared
def _visits_resampled(context: EvaluationContext) -> Visits:
    found = mode_histogram(context)
    return visits(found._replace(counts=context.bootstrap.histograms(found.counts, len(context.many))))


def _high_quality(context: EvaluationContext) -> Tensor:
    """(L,) bool: near a mode of the mixture."""
    return placed(context)[1] <= WITHIN


def _drawn(context: EvaluationContext) -> int:
    """Of the samples, for the rarefied count."""
    return min(len(mode_histogram(context).p), len(context.many))


def _rarefied(context: EvaluationContext) -> float:
    return float(rarefied(mode_histogram(context).counts, len(context.many), _drawn(context)))


def _rarefied_resampled(context: EvaluationContext) -> Tensor:
    counts = context.bootstrap.histograms(mode_histogram(context).counts, len(context.many))
    return rarefied(counts, len(context.many), _drawn(context))


def _expected(context: EvaluationContext, drawn: int) -> float:
    from scipy.special import chdtr

    accepted = float(chdtr(context.task.event.dims, WITHIN**2)) if context.has_truth else 1.0
    return expected_hits(mode_histogram(context).p, drawn, accepted)


def has_hits(context: EvaluationContext) -> bool:
    """A mode is hit: a smoothed histogram of no samples at all would look like that of a perfect model."""
    return context.has_modes and bool(_visits(context).hit > 0)


def has_tail(context: EvaluationContext) -> bool:
    """Some modes are rarer than others."""
    return context.has_modes and bool(tail(mode_histogram(context).p).any())


def _protocol(context: EvaluationContext) -> str:
    how = f"{WITHIN:g} sigma" if context.has_truth else context.judges["factors"].protocol
    return f"{protocol.many(context)}, {len(mode_histogram(context).p)} modes, {how}"


def _hits_interval(context: EvaluationContext, value: float) -> Ends:
    from pipeline.metrics.evaluation.bootstrap import ends

    return ends(_visits_resampled(context).hit, value, 0, len(mode_histogram(context).p))


def _rarefied_interval(context: EvaluationContext, value: float) -> Ends:
    from pipeline.metrics.evaluation.bootstrap import ends

    return ends(_rarefied_resampled(context), value, 0, _drawn(context))


METRICS = (
    Metric(
        name="modes_hit", title="modes hit", unit="modes", better="higher", order=160, digits=1,
        compute=lambda c: float(_visits(c).hit), requires=lambda c: has_samples(c) and c.has_modes,
        protocol=_protocol, interval=_hits_interval,
    ),
    Metric(
        name="modes_hit_truth", title="modes hit", unit="modes", better="none", order=160, table="reference", digits=1,
        compute=lambda c: _expected(c, len(c.many)), requires=lambda c: has_samples(c) and c.has_modes,
        protocol=_protocol, kind="exact",
    ),
    Metric(
        name="modes_rarefied", title="modes hit, rarefied", unit="modes", better="higher", order=165, table="file",
        digits=1, compute=_rarefied, requires=lambda c: has_samples(c) and c.has_modes,
        protocol=lambda c: f"{_protocol(c)}, expected of {_drawn(c)} samples", interval=_rarefied_interval,
    ),
    Metric(
        name="modes_rarefied_truth", title="modes hit, rarefied", unit="modes", better="none", order=165,
        table="reference", digits=1, compute=lambda c: _expected(c, _drawn(c)),
        requires=lambda c: has_samples(c) and c.has_modes,
        protocol=lambda c: f"{_protocol(c)}, expected of {_drawn(c)} samples", kind="exact",
    ),
    Metric(
        name="high_quality", title="high quality", unit="share", better="higher", order=170, digits=3,
        compute=lambda c: float(_high_quality(c).double().mean()), requires=lambda c: has_samples(c) and c.has_truth,
        protocol=_protocol, interval=of_share("fake", _high_quality),
    ),
    Metric(
        name="tail_recall", title="tail recall", unit="share", better="higher", order=180, digits=3,
        compute=lambda c: float(_visits(c).tail_recall), requires=lambda c: has_samples(c) and has_tail(c),
        protocol=_protocol, interval=of_resamples(lambda c: _visits_resampled(c).tail_recall, 0, 1),
    ),
    Metric(
        name="mode_kl_pq", title="mode KL(p‖q)", unit="nats", better="lower", order=320, table="file", digits=3,
        compute=lambda c: float(_visits(c).kl_pq), requires=has_hits,
        protocol=_protocol, interval=of_resamples(lambda c: _visits_resampled(c).kl_pq, 0),
    ),
    Metric(
        name="mode_kl_qp", title="mode KL(q‖p)", unit="nats", better="lower", order=330, table="file", digits=3,
        compute=lambda c: float(_visits(c).kl_qp), requires=has_hits,
        protocol=_protocol, interval=of_resamples(lambda c: _visits_resampled(c).kl_qp, 0),
    ),
)  # fmt: skip
