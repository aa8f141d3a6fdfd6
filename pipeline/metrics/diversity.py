"""How much variety a fixed condition leaves.

    spread        mean distance between the features of two different items
    diversity     mean over conditions of the spread of several samples for one of them, / spread of real data

Computed on the CPU.

0: the condition decides everything. 1: a fixed condition leaves as much variety as there is in all of the data, as with
a model that ignores it. The ideal is neither, but the diversity of real images that share a condition, which can be
measured where the condition is a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.intervals import of_mean
from pipeline.metrics.registry import Metric, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext


def diversity(*, real: Tensor, groups: Sequence[Tensor]) -> Tensor:
    """real (N, D), whose spread is taken as known; K groups of features (R, D), two rows at least, that share a
    condition -> (K,), of which the mean is the diversity."""
    import torch

    return torch.stack([spread(group) for group in groups]) / spread(real)


def spread(x: Tensor) -> Tensor:
    """x (N, D) -> () float64: the mean distance over pairs of different rows.

    Raises:
        FloatingPointError: a row is not finite; the message has its index.
    """
    import torch

    from pipeline.metrics.neighbours import distances

    check_finite(x, "the feature vector of item")
    total = torch.stack([block.sum() for block in distances(x, x)]).sum()
    return total / (len(x) * (len(x) - 1))


def sharing(x: Tensor, c: Tensor) -> list[Tensor]:
    """x (N, D) with classes c (N,) -> the rows of each class that has two or more."""
    groups = (x[c == label] for label in c.unique())
    return [group for group in groups if len(group) > 1]


@shared
def _diversity(context: EvaluationContext) -> Tensor:
    """(K,) of each fixed condition."""
    return diversity(real=context.real, groups=list(context.repeated))


def _real_diversity(context: EvaluationContext) -> float:
    groups = sharing(context.real, context.real_c)
    return float(diversity(real=context.real, groups=groups).mean())


def _shares_classes(context: EvaluationContext) -> bool:
    """Several real images have one class."""
    return context.has_classes and bool((context.real_c.unique(return_counts=True)[1] > 1).any())


def _protocol(context: EvaluationContext) -> str:
    conditions, repeats = context.repeated.shape[:2]
    return f"test n={len(context.real)}, fake n={conditions} x {repeats}, {context.extractor}"


METRICS = (
    Metric(
        name="conditional_diversity", title="conditional diversity", unit="ratio", better="none", order=130,
        compute=lambda c: float(_diversity(c).double().mean()), requires=lambda c: len(c.repeated) > 0,
        protocol=_protocol, interval=of_mean("fake", _diversity, 0),
    ),
    Metric(
        name="conditional_diversity_real", title="conditional diversity", unit="ratio", better="none", order=130,
        table="reference", compute=_real_diversity, requires=_shares_classes,
        protocol=lambda c: f"test n={len(c.real)}, {c.extractor}", kind="measured",
    ),
)  # fmt: skip
