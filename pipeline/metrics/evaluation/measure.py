"""Measuring: every metric that applies to a cell, with its protocol, its kind and its sampling interval."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pipeline.metrics import registry
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.registry import Entry, Metric


def measure(context: EvaluationContext, known: Mapping[str, Mapping[str, Entry]] | None = None) -> dict[str, Entry]:
    """Every metric that applies, by name.

    Args:
        context: the cell.
        known: name of a metric as declared -> what it gave before. It is not computed again.

    Raises:
        FloatingPointError: a number is not finite or outside its metric's range; the message names the metric or
            the item.
    """
    known = known or {}
    found: dict[str, Entry] = {}
    for metric in registry.metrics():
        if metric.name in known:
            found |= known[metric.name]
        elif metric.requires(context):
            found[registry.measured_name(metric, context.settings.draws)] = entry(metric, context)
    return found


def entry(metric: Metric, context: EvaluationContext) -> Entry:
    """Compute one metric that applies.

    Raises:
        FloatingPointError: see `measure`.
    """
    value = float(metric.compute(context))
    if not math.isfinite(value):
        raise FloatingPointError(f"{metric.name} is not finite: {value}")
    if wrong := metric.mistake(value):
        raise FloatingPointError(wrong)
    found = Entry(
        value=value,
        unit=metric.unit,
        better=metric.better,
        kind=metric.kind if isinstance(metric.kind, str) else metric.kind(context),
        protocol=metric.protocol(context),
    )
    interval = metric.interval(context, value) if metric.interval else None
    if interval:
        if not all(map(math.isfinite, interval)):
            raise FloatingPointError(f"the sampling interval of {metric.name} is not finite: {interval}")
        found["low"], found["high"] = interval
    return found
