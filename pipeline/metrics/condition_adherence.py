"""Whether a sample shows what its condition asks for: the answer of an attribute classifier (`judges`) against it.

    accuracy     share of items whose every label is the one asked for
    box IoU      mean over items of |A ∩ B| / |A ∪ B|, the areas of two boxes
    mIoU         mean over labels of |A_l ∩ B_l| / |A_l ∪ B_l|, the pixels with label l in all items together; a label
                 that is neither asked for nor answered does not count (Everingham et al. 2010, PASCAL VOC)
    luma error   mean |luma - c| in 8-bit levels, of 255

Answers are computed on the device of the judge, scores on the CPU.

A judge errs, so each number is read between a ceiling, real images under their own conditions, and a floor, the same
images under the conditions of others: the score of a sampler that ignores c and is perfect otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.metrics.evaluation import protocol
from pipeline.metrics.evaluation.intervals import of_resamples
from pipeline.metrics.registry import Better, Metric, has_samples, shared

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

    Items = Callable[[EvaluationContext], Tensor]


def shuffled(c: Tensor) -> Tensor:
    """The rows of c (N, *condition), each replaced by that of another item; the same permutation in each call."""
    import torch

    order = torch.randperm(len(c), generator=torch.Generator().manual_seed(0))
    other = torch.empty_like(order)
    other[order] = order.roll(1)  # one cycle through all items
    return c[other]


@shared
def _by_samples(context: EvaluationContext) -> Tensor:
    """(M, ...): what each sample adds to the score."""
    return context.judge.each(context.judge.answer(context.samples), context.c)


@shared
def _by_real(context: EvaluationContext) -> Tensor:
    """(T, ...): likewise each test item under its own condition."""
    return context.judge.each(_answer_to_real(context), context.test[1][:])


@shared
def _by_shuffled(context: EvaluationContext) -> Tensor:
    """(T, ...): likewise under that of another item."""
    return context.judge.each(_answer_to_real(context), shuffled(context.test[1]))


@shared
def _answer_to_real(context: EvaluationContext) -> Tensor:
    return context.judge.answer(context.test[0])


def _metrics(
    kind: str, name: str, title: str, order: int, unit: str, better: Better, digits: int | None = 3, most: float = 1
) -> tuple[Metric, ...]:
    """The score of samples under conditions of a kind, and its ceiling and floor."""

    def declared(ending: str, side: str, items: Items) -> Metric:
        reference = side == "real"

        def score(context: EvaluationContext) -> float:
            return float(context.judges[kind].overall(items(context).mean(dim=0)))

        def of_each_resample(context: EvaluationContext) -> Tensor:
            return context.judges[kind].overall(context.bootstrap.means(side, items(context)))

        def how(context: EvaluationContext) -> str:
            count = protocol.test(context) if reference else protocol.samples(context)
            return f"{count}, {context.judges[kind].protocol}"

        return Metric(
            name=f"{name}{ending}", title=title, unit=unit, better="none" if reference else better, order=order,
            table="reference" if reference else "quality", digits=digits, high=most,
            compute=score, requires=lambda c: has_samples(c) and kind in c.judges, protocol=how,
            kind="measured" if reference else "estimate", interval=of_resamples(of_each_resample, 0, most),
        )  # fmt: skip

    return (
        declared("", "fake", _by_samples),
        declared("_ceiling", "real", _by_real),
        declared("_floor", "real", _by_shuffled),
    )


METRICS = (
    *_metrics("class", "class_accuracy", "class accuracy", 90, "share", "higher"),
    *_metrics("box", "box_iou", "box IoU", 100, "intersection over union", "higher"),
    *_metrics("segmentation", "segmentation_miou", "segmentation mIoU", 110, "intersection over union", "higher"),
    *_metrics("grayscale", "luma_error", "luma error", 120, "levels of 255", "lower", digits=None, most=255),
)
