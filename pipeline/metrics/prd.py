"""Precision and recall as one curve: how much of q is in p, and how much of p in q, at every exchange rate.

    alpha(l) = sum over cells of min(l p, q)     precision          beta(l) = alpha(l) / l     recall
    F_b      = max over l of (1 + b²) alpha beta / (b² alpha + beta)

p and q are histograms of real and fake features over the same cells, those of k-means on both together. F_8 weighs
recall eight times as much as precision, F_1/8 the other way round, so a model that covers has F_8 > F_1/8, one that
seeks F_8 < F_1/8. Equal to 1 where the histograms are. Computed on the CPU, by SciPy's k-means.

References:
    Sajjadi et al. 2018, Assessing generative models via precision and recall, arXiv:1806.00035.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.finite import check_features
from pipeline.metrics.registry import Ends, Interval, Metric, has_samples, shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext
    from pipeline.metrics.evaluation.half_samples import Halves

CELLS, ANGLES, BETA = 20, 1001, 8.0
"""The paper's."""
RUNS = 10
"""Of k-means: the curve is that of the mean alpha and beta."""
FIXED_CELLS = 1.2
"""Variance of an F-score over that with fixed cells, at most, by `benchmarks/intervals.py`."""


class PRD(NamedTuple):
    """Each (...): higher is better, in [0, 1]."""

    f_recall: Tensor
    """F_8."""
    f_precision: Tensor
    """F_1/8."""


class Cells(NamedTuple):
    """(RUNS, N) and (RUNS, M) long: the cell of each item in each run of k-means, which starts from fixed seeds."""

    real: Tensor
    fake: Tensor


def cells(*, real: Tensor, fake: Tensor) -> Cells:
    """real (N, D), fake (M, D): those of k-means on both together."""
    import torch

    check_features(real, fake)
    both = torch.cat([real, fake]).double()
    both -= both.mean(dim=0)  # k-means expands |x - y|²: far from the origin it would lose its digits
    found = torch.stack([_cells(both.numpy(), seed) for seed in range(RUNS)])
    return Cells(*found.split([len(real), len(fake)], dim=1))


def prd(p: Sequence[Tensor], q: Sequence[Tensor], angles: int = ANGLES) -> PRD:
    """Of each run the histograms (..., CELLS) of real and fake -> F_8 and F_1/8 of the mean curve."""
    import torch

    curves = torch.stack([curve(*pair, angles) for pair in zip(p, q, strict=True)])
    precision, recall = curves.mean(dim=0).unbind(dim=0)
    return PRD(f_score(precision, recall, BETA), f_score(precision, recall, 1 / BETA))


def shares(cell: Tensor, counts: Tensor) -> Tensor:
    """Cells (N,) long of items that a resample holds `counts` (B, N) times -> histograms (B, CELLS)."""
    from torch.nn.functional import one_hot

    return counts @ one_hot(cell, CELLS).double() / counts.sum(dim=1, keepdim=True)


def curve(p: Tensor, q: Tensor, angles: int = ANGLES) -> Tensor:
    """Histograms (..., K) float64 -> alpha and beta, (2, ..., angles), from all recall to all precision."""
    import torch

    rate = torch.linspace(0, math.pi / 2, angles + 2, dtype=torch.float64)[1:-1].tan()
    precision = torch.minimum(rate[:, None] * p[..., None, :], q[..., None, :]).sum(dim=-1)
    return torch.stack([precision, precision / rate])


def f_score(precision: Tensor, recall: Tensor, beta: float) -> Tensor:
    """The best of curves (..., A) -> (...)."""
    product, weighted = precision * recall, beta**2 * precision + recall
    return ((1 + beta**2) * product / weighted.clamp(min=1e-12)).amax(dim=-1)


def _cells(both: NDArray[np.float64], seed: int) -> Tensor:
    import numpy as np
    import torch
    from scipy.cluster.vq import kmeans2

    _, cell = kmeans2(both, min(CELLS, len(both)), minit="++", rng=np.random.default_rng(seed))
    return torch.from_numpy(cell).long()


def of_halves(halves: Halves, cells: Cells) -> PRD:
    """F_8 and F_1/8 of both halves of each split, (S, 2) each; the cells are those of the whole samples."""
    import torch

    def counts(first: Tensor) -> Tensor:
        return torch.stack([first, ~first], dim=1).flatten(0, 1).double()

    real, fake = counts(halves.real), counts(halves.fake)
    p, q = [shares(c, real) for c in cells.real], [shares(c, fake) for c in cells.fake]
    found = prd(p, q, ANGLES // 5)
    return PRD(*(score.reshape(-1, 2) for score in found))


def without_each_real(cells: Cells) -> PRD:
    """F_8 and F_1/8, (N,) each, without each of the real items."""
    import torch

    n, m = cells.real.shape[1], cells.fake.shape[1]
    masks, every = 1 - torch.eye(n, dtype=torch.float64), torch.ones(1, m, dtype=torch.float64)
    p, q = [shares(c, masks) for c in cells.real], [shares(c, every) for c in cells.fake]
    return prd(p, q, ANGLES // 5)


@shared
def _cells_of(context: EvaluationContext) -> Cells:
    return cells(real=context.real, fake=context.fake)


@shared
def _prd_of(context: EvaluationContext) -> PRD:
    import torch

    found = _cells_of(context)
    real, fake = (torch.ones(1, len(x), dtype=torch.float64) for x in (context.real, context.fake))
    return prd([shares(c, real) for c in found.real], [shares(c, fake) for c in found.fake])


@shared
def _prd_of_halves(context: EvaluationContext) -> PRD:
    from pipeline.metrics.evaluation.half_samples import halves

    return of_halves(halves(context), _cells_of(context))


@shared
def _prd_without_each_real(context: EvaluationContext) -> PRD:
    return without_each_real(_cells_of(context))


def _interval(score: Callable[[PRD], Tensor]) -> Interval:
    """Of an F-score by half-samples; none of samples that are too small."""

    def interval(context: EvaluationContext, value: float) -> Ends | None:
        from pipeline.metrics.evaluation import half_samples

        if not half_samples.are_large_enough(context):
            return None
        more = half_samples.variance_of_sources(context, lambda c: score(_prd_without_each_real(c)))
        found = score(_prd_of_halves(context))
        return half_samples.share_ends(value, found, len(context.fake), factor=FIXED_CELLS, more=more)

    return interval


def _f_score(name: str, title: str, order: int, score: Callable[[PRD], Tensor]) -> Metric:
    return Metric(
        name=name, title=title, unit="F-score", better="higher", order=order, table="file", digits=3,
        compute=lambda c: float(score(_prd_of(c))), requires=has_samples,
        protocol=lambda c: f"{protocol.features(c)}, {RUNS} runs of {CELLS}-means", interval=_interval(score),
    )  # fmt: skip


METRICS = (
    _f_score("f_8", "F_8", 300, lambda found: found.f_recall),
    _f_score("f_1_8", "F_1/8", 310, lambda found: found.f_precision),
)
