"""Memorization: scores of the distances from samples to the nearest training point.

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
    CT by cells     the mean over cells of CT in each of them, weighed by its share of the held-out items: samples are
                    compared with the held-out items of the same part of the data, so that too many of a dense part are
                    not taken for copies. The cells are those of k-means on the training features; one with no more
                    than `LEAST` samples is left out, as one without held-out items. Of fresh draws its standard
                    deviation is that of a weighted mean, .58 with three equal cells.

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


CELLS, LEAST = 3, 20
"""Of CT by cells, and the samples that one has to have more than: those of Stein et al. 2023, arXiv:2306.04675."""


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


def ct_by_cells(*, train: Tensor, real: Tensor, fake: Tensor, cells: int = CELLS, least: int = LEAST) -> float | None:
    """The weighted mean of CT over cells; k-means starts from a fixed seed, on the CPU.

    Args:
        train: (T, D), T >= cells.
        real: (N, D), held out.
        fake: (M, D).
        cells: of k-means on `train`.
        least: cells with no more samples are left out.

    Returns:
        A mean of z-scores; None if no cell is left.

    Raises:
        FloatingPointError: A row is not finite; the message has its side and its index.
    """
    import warnings

    import numpy as np
    import torch
    from scipy.cluster.vq import kmeans2

    _check(train=train, real=real, fake=fake)
    origin = train.double().mean(dim=0)  # k-means expands |x - y|²: far from the origin it would lose its digits
    sides = {name: x.double() - origin for name, x in (("train", train), ("real", real), ("fake", fake))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an empty cell, which is left out
        found, _ = kmeans2(
            sides["train"].cpu().numpy(), min(cells, len(train)), minit="++", rng=np.random.default_rng(0)
        )
    centres = torch.from_numpy(found).to(origin.device)
    place = {name: torch.cdist(x, centres).argmin(dim=1) for name, x in sides.items()}
    scores, weights = [], []
    for cell in range(len(centres)):
        there = {name: sides[name][place[name] == cell] for name in sides}
        if len(there["fake"]) > least and min(map(len, there.values())) > 0:
            scores.append(ct_score(**there))
            weights.append(len(there["real"]))
    return float(np.average(scores, weights=weights)) if scores else None


def _check(**sides: Tensor) -> None:
    for side, features in sides.items():
        check_finite(features, f"the feature vector of {side} item")


@shared
def _authenticity(context: EvaluationContext) -> Tensor:
    return authenticity(train=context.train.to(context.device), fake=context.sides()["fake"]).cpu()


@shared
def _ct_by_cells(context: EvaluationContext) -> float | None:
    return ct_by_cells(train=context.train.to(context.device), **context.sides())


def _score_of_cells(context: EvaluationContext) -> float:
    found = _ct_by_cells(context)
    if found is None:
        raise ValueError(f"no cell has more than {LEAST} samples")
    return found


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
    Metric(
        name="memorisation_ct_cells", title="memorisation C_T by cells", unit="z-score", better="none", order=362,
        table="file", digits=2, low=-math.inf, compute=_score_of_cells,
        requires=lambda c: has_samples(c) and _ct_by_cells(c) is not None,
        protocol=lambda c: f"train n={len(c.train)}, {protocol.features(c)}, {CELLS}-means, cells of n > {LEAST}",
    ),
)  # fmt: skip
