"""Numbers that a model's maker reports, in the words of the table: nobody here saw the model compute them.

reported    from the negative log-likelihoods of the test items, one by one: their mean, and what follows from it
quoted      a number that was measured elsewhere, under a protocol that is not known here
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from pipeline.contract import Batch, Event, GenerativeModel, Task
from pipeline.errors import UserError
from pipeline.metrics import needs, ranges
from pipeline.metrics.evidence import Evidence
from pipeline.metrics.settings import Settings
from pipeline.metrics.table import METRICS, Entry, Metric, entry

REPORTED, QUOTED = "reported", "quoted"
BOUND = "(ELBO)"
"""How the kind of a number ends that comes from the likelihood of a model that is merely `Bounded`."""
OF_LIKELIHOOD = ("nats", "bits_per_dim", "kl_pq")
"""What needs the likelihood of the test split, and no samples."""


def relabelled(metrics: Mapping[str, Entry]) -> dict[str, Entry]:
    """Of a model whose likelihood is what its maker says, `StoredSamplesAndBound`: which numbers rest on that."""
    return {
        name: Entry(**(found | {"kind": REPORTED})) if found["kind"].endswith(BOUND) else found
        for name, found in metrics.items()
        if name != "elbo"  # the same number again
    }


def without_samples(model: GenerativeModel, task: Task, test: Batch, settings: Settings) -> dict[str, Entry]:
    """What follows from the likelihoods alone."""
    x, none = test[0][:0], torch.empty(0, 1)
    evidence = Evidence(
        model=model, task=task, test=test, samples=x, many=x, c=test[1][:0], train=none, real=none, fake=none,
        repeated=none, judges={}, extractor="", settings=replace(settings, samples=0), seed=0,
    )  # fmt: skip
    rows = (metric for metric in METRICS if metric.name in OF_LIKELIHOOD and metric.needs(evidence))
    return relabelled({metric.name: entry(metric, evidence) for metric in rows})


def quotable(event: Event) -> dict[str, Metric]:
    """By name, what any model of the event kind could be said to reach."""
    likelihood = "nats" if event.levels is None else "bits_per_dim"
    return {metric.name: metric for metric in METRICS if metric.needs is needs.samples or metric.name == likelihood}


def quoted(values: Mapping[str, float], event: Event) -> dict[str, Entry]:
    """The entries of a table of metrics.

    Raises:
        UserError: a metric cannot have its value.
    """
    rows = quotable(event)
    for name, value in values.items():
        if wrong := ranges.mistake(name, rows[name].unit, value):
            raise UserError(wrong)
    return {
        name: Entry(value=value, unit=rows[name].unit, better=rows[name].better, kind=QUOTED, protocol="as quoted")
        for name, value in values.items()
    }
