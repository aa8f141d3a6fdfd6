"""Precision and recall within each class, averaged over the classes.

A sample of one class that looks like a real image of another is no success of a conditional model, though precision
over all classes counts it as one; nor is recall over all classes hurt by a class whose samples are all alike, as long
as those of another reach its images.

Computed on the CPU. A class takes part if both its real and its fake items have k neighbours within it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.metrics.prdc import neighbours_protocol, prdc
from pipeline.metrics.registry import Metric, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext


class Classwise(NamedTuple):
    """Means over `classes`; higher is better."""

    precision: float
    recall: float
    classes: int
    """Those that took part; with none the means are nan."""
    of: int
    """All classes of real and fake items."""


def classwise(*, real: Tensor, real_c: Tensor, fake: Tensor, fake_c: Tensor, neighbours: int) -> Classwise:
    """real (N, D) of classes real_c (N,), fake (M, D) made under fake_c (M,)."""
    import torch

    labels = torch.cat([real_c, fake_c]).unique()
    pairs = ((real[real_c == label], fake[fake_c == label]) for label in labels)
    found = [
        prdc(real=r, fake=f, neighbours=neighbours, coverage_neighbours=neighbours)
        for r, f in pairs
        if min(len(r), len(f)) > neighbours
    ]
    means = torch.tensor([[m.precision, m.recall] for m in found], dtype=torch.float64).reshape(-1, 2).mean(dim=0)
    precision, recall = means.tolist()
    return Classwise(precision, recall, len(found), len(labels))


@shared
def _classwise(context: EvaluationContext) -> Classwise:
    return classwise(
        real=context.real, real_c=context.real_c, fake=context.fake, fake_c=context.c,
        neighbours=context.settings.neighbours,
    )  # fmt: skip


def _applies(context: EvaluationContext) -> bool:
    return context.has_classes and _classwise(context).classes > 0


def _protocol(context: EvaluationContext) -> str:
    found = _classwise(context)
    return f"{neighbours_protocol(context)}, {found.classes} of {found.of} classes"


METRICS = (
    Metric(
        name="conditional_precision", title="conditional precision", unit="share", better="higher", order=140, digits=3,
        compute=lambda c: _classwise(c).precision, requires=_applies, protocol=_protocol,
    ),
    Metric(
        name="conditional_recall", title="conditional recall", unit="share", better="higher", order=150, digits=3,
        compute=lambda c: _classwise(c).recall, requires=_applies, protocol=_protocol,
    ),
)  # fmt: skip
