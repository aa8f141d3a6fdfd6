"""The sampling intervals that several metrics have: each is a function of the context and the number measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.metrics.registry import Ends, Interval

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.metrics.evaluation.context import EvaluationContext

    Values = Callable[[EvaluationContext], Tensor]


def of_mean(side: str, values: Values, least: float = -math.inf, most: float = math.inf) -> Interval:
    """Of a mean over the items of a side; none where all are equal, which says nothing of the spread.

    Args:
        side: `real` or `fake`.
        values: the (n,) numbers that are averaged.
        least: the smallest possible mean.
        most: the largest possible mean.
    """

    def interval(context: EvaluationContext, value: float) -> Ends | None:
        from pipeline.metrics.evaluation.bootstrap import ends

        found = values(context)
        same = bool((found == found[0]).all())
        return None if same else ends(context.bootstrap.means(side, found), value, least, most)

    return interval


def of_share(side: str, values: Values) -> Interval:
    """Of the share of the items of a side for which `values` (n,) bool is true."""
    return of_mean(side, values, 0, 1)


def of_resamples(values: Values, least: float = -math.inf, most: float = math.inf) -> Interval:
    """Of a number between `least` and `most`, of which `values` (B,) has one for each resample."""

    def interval(context: EvaluationContext, value: float) -> Ends | None:
        from pipeline.metrics.evaluation.bootstrap import ends

        return ends(values(context), value, least, most)

    return interval
