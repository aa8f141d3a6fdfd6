"""What the protocols of several metrics say: counts of items and the extractor of the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.metrics.evaluation.context import EvaluationContext


def test(context: EvaluationContext) -> str:
    """Of the whole test split."""
    return f"test n={len(context.test[0])}"


def samples(context: EvaluationContext) -> str:
    return f"fake n={len(context.samples)}"


def many(context: EvaluationContext) -> str:
    """Of the samples that modes are counted in."""
    return f"fake n={len(context.many)}"


def features(context: EvaluationContext) -> str:
    """Of the features of test items and of samples."""
    return f"test n={len(context.real)}, fake n={len(context.fake)}, {context.extractor}"
