"""What a model costs: parameters, operations and wall-clock seconds. The stages train and evaluate measure them."""

from __future__ import annotations

from functools import partial

from pipeline.metrics.registry import Quantity

_COUNT = partial(Quantity, table="cost", digits=0, varies=False)

METRICS = (
    _COUNT(name="parameters", title="parameters", order=400),
    _COUNT(name="sample_depth", title="sequential operations / sample", order=410),
    _COUNT(name="likelihood_depth", title="sequential operations / likelihood", order=420),
    _COUNT(name="sample_flops", title="FLOPs / sample", order=430),
    _COUNT(name="likelihood_flops", title="FLOPs / likelihood", order=440),
    Quantity(name="train_flops", title="FLOPs of training", order=445, table="cost"),
    Quantity(name="train_seconds", title="train s", order=450, table="cost"),
    Quantity(name="evaluate_seconds", title="evaluate s", order=460, table="file"),
    Quantity(name="sample_seconds_per_1000", title="s / 1,000 samples", order=470, table="cost"),
    Quantity(name="likelihood_seconds_per_1000", title="s / 1,000 likelihoods", order=480, table="cost"),
)
