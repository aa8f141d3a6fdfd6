"""Feature likelihood divergence (FLD), and its gap between training and test items: fidelity, coverage and novelty.

    q(x)      = 1/M sum_j N(x; y_j, s_j I)       y_j the features of the samples; the variances s_j maximise the
                                                 likelihood of the training features
    nll(X)    = - 1/D mean over x in X of log q(x)
    FLD       = 100 (nll(test) - nll_0(test))    nll_0: with one half of the training features as the y_j, fitted to the
                                                 other half. About 0 for a perfect sampler; lower is better
    FLD gap   = 100 (nll(train) - nll(test))     far below 0, the samples are copies of training items: their variances
                                                 shrink to nothing about these

A sample that is far from all data gets a large variance and adds nothing; a mode without samples is paid for by each of
its test items. As the variances are free, one sample can stand for a whole Gaussian cloud: a collapse within one is not
seen. Both numbers are nats per 100 features. The features are shifted and scaled so that those of the test items have
mean 0 and variance 1.

The fit is by expectation maximisation, which never lowers the likelihood and has no step size, where the authors
descend the gradient. As in their code the variances start at the distance to the nearest training item, and meanwhile
a Gaussian about the mean of the training features, with weight 1 and its squared distances multiplied by .81, explains
what no sample is near to; it is left out of q afterwards. No variance falls below `LEAST`, so that a copy has a finite
likelihood: where there are copies, the size of the gap depends on it.

y_j are the first samples, `CENTRES` at most, and the fit is to `FITTED` training items at most, drawn at random: copies
of the other training items are not seen by the gap, which is therefore no test for single copies among many items.

The sampling interval is that of resampled test items and samples, to first order and with the variances held fixed: a
sample's influence is (1 - M times the mean of its responsibility for the test items) 100 / D.

Computed on the CPU, in float64, in memory O(N M).

References:
    Jiralerspong, Bose, Gemp, Qin, Bachrach, Gidel 2023, Feature likelihood divergence: evaluating the generalization of
    generative models using samples, arXiv:2302.04440. Its first version has the feature likelihood score, which is
    FLS = 100 exp(-FLD / 50), but for how features are scaled and variances fitted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation.finite import check_features, check_finite
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

CENTRES, FITTED, HELD_OUT = 500, 2000, 10_000
"""Samples, training items and test items that are used, at most."""
STEPS = 50
"""Of expectation maximisation, at most: as many as the authors' epochs."""
CONVERGED = 1e-6
"""Gain of the mean log-likelihood by a step, in nats per feature, at which the fit ends."""
LEAST = 1e-6
"""Of a variance, where that of the test features is 1."""
BACKGROUND = 0.81
"""The authors' (1 - 0.1)²."""
START = 1e-3
"""The authors': added to the squared distance that a variance starts from."""
HUNDRED = 100.0
FEW = 16
"""Features up to which distances are computed from differences. With more, rounding is far below `LEAST` anyway."""


class Terms(NamedTuple):
    """What each item adds; nll in nats per feature, float64."""

    train: Tensor
    """(T,) nll of the training items that were fitted."""
    test: Tensor
    """(N,) nll of the test items."""
    baseline: Tensor
    """(N,) nll_0 of the test items."""
    of_train: Tensor
    """(M,) M times the mean responsibility of each sample for the training items."""
    of_test: Tensor
    """(M,) likewise for the test items."""

    @property
    def fld(self) -> float:
        return HUNDRED * float(self.test.mean() - self.baseline.mean())

    @property
    def gap(self) -> float:
        return HUNDRED * float(self.train.mean() - self.test.mean())


class Mixture(NamedTuple):
    """Isotropic Gaussians of equal weights."""

    means: Tensor
    """(M, D) float64."""
    variances: Tensor
    """(M,) float64."""

    def log_terms(self, x: Tensor) -> Tensor:
        """x (N, D) -> (N, M): the logarithm of each weighted Gaussian."""
        return log_terms(squared_distances(x, self.means), self.variances, x.shape[1])


def terms(*, train: Tensor, real: Tensor, fake: Tensor) -> Terms:
    """Fit to training features, and score test features; fixed seeds draw the subsets.

    Args:
        train: (T, D) features, T >= 4.
        real: (N, D) features of test items, N >= 2.
        fake: (M, D) features of samples.

    Raises:
        FloatingPointError: A row is not finite; the message has its side and its index.
        ValueError: The numbers of columns differ, or there are too few items.
    """
    import torch

    check_features(real, fake)
    check_finite(train, "the feature vector of train item")
    if len(train) < 4 or len(real) < 2:
        raise ValueError(f"{len(train)} training and {len(real)} test items: at least 4 and 2 are needed")
    real, fake = real[:HELD_OUT].double(), fake[:CENTRES].double()
    mean, scale = real.mean(dim=0), real.std(dim=0)
    scale = torch.where(scale > 0, scale, 1.0)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    half = min(len(fake), len(train) // 2)
    fitted, centres, others = order[:FITTED], order[:half], order[half : half + FITTED]
    real, fake = (real - mean) / scale, (fake - mean) / scale
    fitted, centres, others = ((train[rows].double() - mean) / scale for rows in (fitted, centres, others))
    mixture, baseline = fit(fake, fitted), fit(centres, others)
    test, of_test = _scored(mixture, real)
    seen, of_train = _scored(mixture, fitted)
    return Terms(seen, test, _scored(baseline, real)[0], of_train, of_test)


def fit(means: Tensor, x: Tensor, steps: int = STEPS) -> Mixture:
    """The variances of Gaussians about `means` (M, D) that maximise the likelihood of x (T, D), both float64."""
    import torch

    dims, d2 = x.shape[1], squared_distances(x, means)
    background = BACKGROUND * (x - x.mean(dim=0)).square().sum(dim=1, keepdim=True)
    d2 = torch.cat([d2, background], dim=1)  # (T, M + 1)
    variances = ((d2.amin(dim=0) + START) / dims).clamp(min=LEAST)
    variances[-1] = 1.0
    before = -math.inf
    for _ in range(steps):
        joint = log_terms(d2, variances, dims, len(means))
        total = joint.logsumexp(dim=1, keepdim=True)
        share = (joint - total).exp_()
        weight = share.sum(dim=0)
        moved = (share * d2).sum(dim=0) / (dims * weight)
        variances = torch.where(weight > 0, moved, variances).clamp(min=LEAST)
        now = float(total.mean()) / dims
        if now - before < CONVERGED:
            break
        before = now
    return Mixture(means, variances[:-1])


def log_terms(d2: Tensor, variances: Tensor, dims: int, weighted: int | None = None) -> Tensor:
    """log of N(x; y_j, s_j I) / M from squared distances (N, K) and variances (K,); the terms after the first
    `weighted` = M, if given, have weight 1."""
    weight = variances.new_full((len(variances),), -math.log(weighted or len(variances)))
    if weighted:
        weight[weighted:] = 0.0
    return -0.5 * d2 / variances + (weight - dims / 2 * (2 * math.pi * variances).log())


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """x (N, D), y (M, D) float64 -> (N, M)."""
    import torch

    mode = "donot_use_mm_for_euclid_dist" if x.shape[1] <= FEW else "use_mm_for_euclid_dist"
    return torch.cdist(x, y, compute_mode=mode).square()


def _scored(mixture: Mixture, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of x (N, D) the nll (N,) in nats per feature; of each Gaussian M times its mean responsibility (M,)."""
    joint = mixture.log_terms(x)
    return -joint.logsumexp(dim=1) / x.shape[1], len(mixture.means) * joint.softmax(dim=1).mean(dim=0)


@shared
def _terms(context: EvaluationContext) -> Terms:
    return terms(train=context.train, real=context.real, fake=context.fake)


def _fld_resampled(context: EvaluationContext) -> Tensor:
    found, dims = _terms(context), context.real.shape[1]
    real = context.bootstrap.means("real", found.test - found.baseline)
    return HUNDRED * (real - context.bootstrap.means("fake", found.of_test) / dims)


def _gap_resampled(context: EvaluationContext) -> Tensor:
    found, dims = _terms(context), context.real.shape[1]
    fake = context.bootstrap.means("fake", found.of_test - found.of_train)
    return HUNDRED * (fake / dims - context.bootstrap.means("real", found.test))


def _protocol(context: EvaluationContext) -> str:
    train, real, fake = (min(len(x), most) for x, most in _counts(context))
    return f"train n={train} of {len(context.train)}, test n={real}, fake n={fake}, {context.extractor}"


def _counts(context: EvaluationContext) -> tuple[tuple[Tensor, int], ...]:
    return (context.train, FITTED), (context.real, HELD_OUT), (context.fake, CENTRES)


def _is_large_enough(context: EvaluationContext) -> bool:
    return has_samples(context) and len(context.train) >= 4


METRICS = (
    Metric(
        name="fld", title="FLD", unit="nats per 100 features", better="lower", order=55, table="file", digits=1,
        low=-math.inf, compute=lambda c: _terms(c).fld, requires=_is_large_enough, protocol=_protocol,
        interval=of_resamples(_fld_resampled),
    ),
    Metric(
        name="fld_gap", title="FLD gap", unit="nats per 100 features", better="none", order=364, table="file",
        digits=1, low=-math.inf, compute=lambda c: _terms(c).gap, requires=_is_large_enough, protocol=_protocol,
        interval=of_resamples(_gap_resampled),
    ),
)  # fmt: skip
