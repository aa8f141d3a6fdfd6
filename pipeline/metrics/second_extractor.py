"""The first metrics of features once more, by the features of the task's second extractor.

An order of models that rests on one extractor may be one of the extractor's preferences. A task with a
`second_extractor` has these numbers by both; the leaderboard says how far the two orders agree.

Points are their own features, and have no second ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pipeline.metrics import frechet, kid, prdc
from pipeline.metrics.registry import SECOND, Interval, Metric, has_samples, shared

if TYPE_CHECKING:
    from pipeline.metrics.evaluation.context import EvaluationContext

NAMES = ("frechet", "precision", "recall", "coverage", "kernel")
T = TypeVar("T")


@shared
def _by_second(context: EvaluationContext) -> EvaluationContext:
    """The same cell with the other features in the place of the first ones."""
    second = context.second
    if second is None:
        raise ValueError(f"task {context.task.name} has no second extractor")
    return replace(context, **second._asdict(), second=None)


def _of(function: Callable[[EvaluationContext], T]) -> Callable[[EvaluationContext], T]:
    return lambda context: function(_by_second(context))


def _interval(interval: Interval) -> Interval:
    return lambda context, value: interval(_by_second(context), value)


def _metric(first: Metric) -> Metric:
    return replace(
        first, name=f"{first.name}{SECOND}", title=f"{first.title}, 2nd extractor", order=first.order + 1, table="file",
        compute=_of(first.compute), requires=lambda c: has_samples(c) and c.second is not None,
        protocol=_of(first.protocol), interval=first.interval and _interval(first.interval),
    )  # fmt: skip


FIRST = (*frechet.METRICS, *prdc.METRICS, *kid.METRICS)
METRICS = tuple(_metric(metric) for metric in FIRST if metric.name in NAMES)
