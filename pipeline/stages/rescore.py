"""Samples from a file through the evaluation that every cell goes through: the same table, the same protocol."""

from __future__ import annotations

from torch import Tensor

from pipeline import paths
from pipeline.data.external.sample_files import Samples
from pipeline.data.external.stored_model import ExhaustedError, StoredSamples, StoredSamplesAndBound
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError
from pipeline.metrics.evaluation import draws, reported
from pipeline.metrics.registry import Entry
from pipeline.params import Evaluation
from pipeline.stages.evaluate import evaluate

SEED = 0
"""Of the resamples behind the sampling intervals: that of a cell's first seed."""


def needed(settings: Evaluation) -> int:
    """How many samples the numbers of a task are made from."""
    return max(settings.samples, settings.modes or 0)


def measured(found: Samples, data: Prepared, settings: Evaluation, log_p: Tensor | None) -> dict[str, Entry]:
    """Every metric that applies to samples, and what follows from log_p (T,) nats of the test items where given.

    Raises:
        UserError: a condition of the test split has too few samples.
        FloatingPointError: a number is not finite; the message names it.
    """
    settings = _answered(StoredSamples(found.x, found.c), data, settings)
    model = StoredSamples(found.x, found.c) if log_p is None else StoredSamplesAndBound(found.x, found.c, log_p)
    return reported.relabelled(evaluate(model, data, settings, SEED).metrics)


def _answered(trial: StoredSamples, data: Prepared, settings: Evaluation) -> Evaluation:
    """Without the conditions that are held fixed, where there are too few samples for several under each."""
    count, asked = needed(settings), data.test[1]
    try:
        draws.draw(trial, data.task.event, asked, count=count, chunk=settings.chunk)
    except ExhaustedError as error:
        where = f"{paths.prepared(data.task.name)}/test.npz"
        raise UserError(
            f"{error}: task {data.task.name} is measured on {count:,} samples under the rows of c in {where}, cycled"
        ) from None
    try:
        draws.repeat(
            trial, data.task, asked,
            conditions=settings.conditions, repeats=settings.repeats, chunk=settings.chunk,
        )  # fmt: skip
    except ExhaustedError:
        return settings.model_copy(update={"conditions": 0})
    return settings
