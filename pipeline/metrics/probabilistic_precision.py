"""P-precision and P-recall: the expected share of one sample in the support of the other, which is known up to chance.

    R_X         a times the mean distance of the items of X to their k-th nearest other item, a = 1.2, k = 4
    S_X(z)      = 1 - prod_i min(1, |z - x_i| / R_X)      probability that z lies in the support of X
    P-precision = mean of S_real over fake items          P-recall = mean of S_fake over real items

All balls of a sample have one radius, a mean, so that a single outlier neither has a large ball, which noise could lie
in, nor moves the radius by more than its share. An item near a centre counts more than one at the edge. Of identical
continuous distributions both are below 1, as precision and recall are: compare with the control `real`.

The sampling intervals are by disjoint subsets of both samples, with radii recomputed (`evaluation.half_samples`).

References:
    Park, Kim 2023, Probabilistic precision and recall towards reliable evaluation of generative models,
    arXiv:2309.01590.
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

NEIGHBOURS, SCALE = 4, 1.2
"""k and a, the paper's."""
VALUES = 2**23
"""Distances that are held at a time: 64 MB in float64."""


class Supports(NamedTuple):
    """The probability of each item to lie in the support of the other sample, in [0, 1]."""

    fake: Tensor
    """(M,) float64, of which the mean is the P-precision."""
    real: Tensor
    """(N,) float64, of which the mean is the P-recall."""


def supports(*, real: Tensor, fake: Tensor, neighbours: int = NEIGHBOURS, scale: float = SCALE) -> Supports:
    """S_real of each fake item and S_fake of each real item.

    Args:
        real: (N, D) features, N > neighbours.
        fake: (M, D) features, M > neighbours, on the same device. Memory is O((N + M) D), time O(N M D).
        neighbours: k of the radii.
        scale: a, the radii in mean distances to the k-th neighbour; above 0.

    Raises:
        FloatingPointError: A row is not finite; the message has its index.
        ValueError: A sample has too few items to have that many neighbours, or the numbers of columns differ.
    """
    check_features(real, fake)
    return Supports(_support(fake, real, neighbours, scale), _support(real, fake, neighbours, scale))


def _support(z: Tensor, of: Tensor, neighbours: int, scale: float) -> Tensor:
    """z (M, D), of (N, D) -> (M,)."""
    import torch

    from pipeline.metrics.neighbours import distances

    radius = _radius(of, neighbours, scale)
    blocks = distances(z, of, block=max(1, VALUES // len(of)))
    return torch.cat([1 - _outside(block, radius).prod(dim=1) for block in blocks])


def _radius(x: Tensor, neighbours: int, scale: float) -> float:
    from pipeline.metrics.neighbours import squared_radii

    return scale * float(squared_radii(x, (neighbours,))[0].sqrt().mean())


def _outside(distance: Tensor, radius: float) -> Tensor:
    """Probability not to lie in each ball. A ball without radius holds its centre alone."""
    return (distance / radius).clamp(max=1) if radius > 0 else (distance > 0).double()


def _scores(real: Tensor, fake: Tensor) -> tuple[float, float]:
    found = supports(real=real, fake=fake)
    return float(found.fake.mean()), float(found.real.mean())


def precision_without_each_real(*, real: Tensor, fake: Tensor) -> Tensor:
    """(N,) float64: the P-precision without each of the real items (N, D), the radius held fixed; fake (M, D).

    What an item adds to a support is S less the product of the others, so that no support is computed again.
    """
    import torch

    from pipeline.metrics.neighbours import distances

    radius, total, lost = _radius(real, NEIGHBOURS, SCALE), 0.0, torch.zeros(len(real), dtype=torch.float64)
    for block in distances(fake, real, block=max(1, VALUES // len(real))):
        outside = _outside(block, radius)
        logs = outside.clamp(min=1e-100).log()
        others = (logs.sum(dim=1, keepdim=True) - logs).exp()
        total += float((1 - outside.prod(dim=1)).sum())
        lost += (others * (1 - outside)).sum(dim=0).cpu()
    return (total - lost) / len(fake)


@shared
def _supports(context: EvaluationContext) -> Supports:
    return Supports(*(part.cpu() for part in supports(**context.sides())))


@shared
def _recomputed(context: EvaluationContext) -> Recomputed:
    from pipeline.metrics.evaluation.half_samples import recomputed

    return recomputed(_scores, **context.sides(), seed=context.seed)


@shared
def _without_each_real(context: EvaluationContext) -> tuple[Tensor, Tensor]:
    recalled = _supports(context).real
    rest = (recalled.sum() - recalled) / (len(recalled) - 1)
    return precision_without_each_real(**context.sides()), rest


def _interval(side: str, index: int) -> Interval:
    """By disjoint subsets; none of samples that are too small."""

    def interval(context: EvaluationContext, value: float) -> Ends | None:
        from pipeline.metrics.evaluation import half_samples

        items = len(context.real if side == "real" else context.fake)
        if not half_samples.enough(min(len(context.real), len(context.fake)), NEIGHBOURS):
            return None
        found = _recomputed(context)
        more = half_samples.variance_of_sources(context, lambda c: _without_each_real(c)[index])
        return half_samples.share_ends(value, found.values[:, :, index], items, factor=2 * found.ratio, more=more)

    return interval


def _protocol(context: EvaluationContext) -> str:
    return f"{protocol.features(context)}, radius {SCALE:g} x mean distance to neighbour {NEIGHBOURS}"


METRICS = (
    Metric(
        name="p_precision", title="P-precision", unit="probability", better="higher", order=312, table="file",
        digits=3, compute=lambda c: float(_supports(c).fake.mean()), requires=has_samples, protocol=_protocol,
        interval=_interval("fake", 0),
    ),
    Metric(
        name="p_recall", title="P-recall", unit="probability", better="higher", order=314, table="file", digits=3,
        compute=lambda c: float(_supports(c).real.mean()), requires=has_samples, protocol=_protocol,
        interval=_interval("real", 1),
    ),
)  # fmt: skip
