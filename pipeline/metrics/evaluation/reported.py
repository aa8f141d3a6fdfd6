"""Numbers that the author of a model reports, which were not computed here.

reported    from the negative log-likelihoods of the test items, one by one: their mean, and what follows from it
quoted      a number that was measured elsewhere, under an unknown protocol
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pipeline.contract import Batch, Event, GenerativeModel, Task
from pipeline.errors import UserError
from pipeline.metrics import registry
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.evaluation.measure import entry
from pipeline.metrics.registry import Entry, Metric, has_samples
from pipeline.params import Evaluation

REPORTED, QUOTED = "reported", "quoted"
BOUND = "(ELBO)"
"""How the kind of a number ends that comes from the likelihood of a model that is merely `Bounded`."""
OF_LIKELIHOOD = ("nats", "nats_per_step", "bits_per_dim", "kl_pq")
"""What needs the likelihood of the test split, and no samples."""


def relabelled(metrics: Mapping[str, Entry]) -> dict[str, Entry]:
    """Mark the numbers that rest on the reported likelihood of a model, `StoredSamplesAndBound`."""
    return {
        name: Entry(**(found | {"kind": REPORTED})) if found["kind"].endswith(BOUND) else found
        for name, found in metrics.items()
        if name != "elbo"  # the same number again
    }


def without_samples(model: GenerativeModel, task: Task, test: Batch, settings: Evaluation) -> dict[str, Entry]:
    """What follows from the likelihoods alone."""
    x, none = test[0][:0], torch.empty(0, 1)
    context = EvaluationContext(
        model=model, task=task, test=test, samples=x, many=x, c=test[1][:0], train=none, real=none, fake=none,
        repeated=none, judges={}, extractor="", settings=settings.model_copy(update={"samples": 0}), seed=0,
    )  # fmt: skip
    rows = (metric for metric in registry.metrics() if metric.name in OF_LIKELIHOOD and metric.requires(context))
    return relabelled({metric.name: entry(metric, context) for metric in rows})


def quotable(event: Event) -> dict[str, Metric]:
    """By name, what any model of the event kind could be said to reach."""
    of_reals = "nats_per_step" if event.kind == "sequences" else "nats"
    likelihood = of_reals if event.levels is None else "bits_per_dim"
    rows = registry.metrics()
    return {metric.name: metric for metric in rows if metric.requires is has_samples or metric.name == likelihood}


def quoted(values: Mapping[str, float], event: Event) -> dict[str, Entry]:
    """The entries of a table of metrics.

    Raises:
        UserError: a metric cannot have its value.
    """
    rows = quotable(event)
    for name, value in values.items():
        if wrong := rows[name].mistake(value):
            raise UserError(wrong)
    return {
        name: Entry(value=value, unit=rows[name].unit, better=rows[name].better, kind=QUOTED, protocol="as quoted")
        for name, value in values.items()
    }
