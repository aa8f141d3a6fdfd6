"""Memorization: two scores of the distances from samples to the nearest training point.

    authenticity    share of samples f that are farther from their nearest training point t than t is from its own
                    nearest other training point. Higher is better: copies score 0. Fresh draws of the truth score about
                    .39 in the plane and .8 for a white Gaussian in 32 dimensions, so compare it with `real`.
    CT              the z-score of Mann-Whitney's U: samples' distances to training data against held-out data's. Far
                    below 0, samples lie closer to the training data than held-out data do: copying. Far above 0:
                    underfitting. It grows with the square root of the sample sizes. One cell: all of the space.
                    Of fresh draws it is standard normal only where held-out items and samples are independent: items
                    that share sources, as stacked digits do, spread it more, and so does an answer to a condition
                    by look-up, as of the control `real` under a box or a map. One split is one draw: 250 shapes with
                    fewer rare ones than usual scored -3.3 against the test split, in each seed that drew the same.

Distances are computed on the device of the features. The reference is always the split that the model was trained on.

References:
    Alaa et al. 2022, How faithful is your synthetic data?, arXiv:2102.08921; Meehan, Chaudhuri, Dasgupta
    2020, A non-parametric test to detect data-copying in generative models, arXiv:2004.05675.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.intervals import of_share
from pipeline.metrics.registry import Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext


def authenticity(*, train: Tensor, fake: Tensor) -> Tensor:
    """train (T, D), fake (M, D) -> (M,) bool, of which the share is the authenticity.

    Raises:
        FloatingPointError: A row is not finite; the message has its side and its index.
    """
    import torch

    from pipeline.metrics.neighbours import nearest

    _check(train=train, fake=fake)
    distance, index = nearest(fake, train, count=1)
    used, position = torch.unique(index[:, 0], return_inverse=True)
    own = nearest(train[used], train, count=2)[0][:, 1]  # column 0 is the point itself
    return distance[:, 0] > own[position]


def ct_score(*, train: Tensor, real: Tensor, fake: Tensor) -> float:
    """train (T, D), held-out real (N, D), fake (M, D) -> CT's z-score.

    Raises:
        FloatingPointError: A row is not finite; the message has its side and its index.
    """
    from scipy.stats import mannwhitneyu

    from pipeline.metrics.neighbours import nearest

    _check(train=train, real=real, fake=fake)
    held_out = nearest(real, train, count=1)[0][:, 0]
    sampled = nearest(fake, train, count=1)[0][:, 0]
    n, m = len(real), len(fake)
    u = float(mannwhitneyu(sampled.cpu().numpy(), held_out.cpu().numpy()).statistic)
    return (u - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12)


def _check(**sides: Tensor) -> None:
    for side, features in sides.items():
        check_finite(features, f"the feature vector of {side} item")


@shared
def _authenticity(context: EvaluationContext) -> Tensor:
    return authenticity(train=context.train.to(context.device), fake=context.sides()["fake"]).cpu()


METRICS = (
    Metric(
        name="authenticity", title="authenticity", unit="share", better="none", order=250, digits=3,
        compute=lambda c: float(_authenticity(c).double().mean()), requires=has_samples,
        protocol=lambda c: f"train n={len(c.train)}, fake n={len(c.fake)}, {c.extractor}",
        interval=of_share("fake", _authenticity),
    ),
    Metric(
        name="memorisation_ct", title="memorisation C_T", unit="z-score", better="none", order=360, table="file",
        digits=2, low=-math.inf, compute=lambda c: ct_score(train=c.train.to(c.device), **c.sides()),
        requires=has_samples, protocol=lambda c: f"train n={len(c.train)}, {protocol.features(c)}",
    ),
)  # fmt: skip
