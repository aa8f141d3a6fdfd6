"""Claims about speed: sequential operations of sampling and of evaluating a likelihood.

The contrasts are of the depth, the number of operations that have to be executed one after another
(`pipeline.metrics.operations`), a count that is the same on any machine. Seconds depend on the machine and its load,
and on one processor grow with the work as much as with the depth; they are listed as a remark, with the FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import mean

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, by_sign, difference, log_ratio
from pipeline.results.table import Results, SeedValues, sources
from pipeline.statistics.intervals import Seeds

TASK, AUTOREGRESSIVE, FLOW = "shapes_none", "conditional_pixelcnn", "conditional_glow"
WAYS = ("sample", "likelihood")


def _depths(results: Results, model: str) -> tuple[Seeds, Seeds]:
    """Of one sample, and of one evaluation: of log p, or of one draw of its bound. Training does not change a depth."""
    sample, evaluate = (results.seeds(TASK, model, f"{way}_depth", at_any_step=True) for way in WAYS)
    return sample, evaluate


def _slow(results: Results) -> Iterator[Contrast]:
    name = f"{TASK}, {AUTOREGRESSIVE}, sequential operations to sample / to evaluate"
    yield by_sign(log_ratio(name, *_depths(results, AUTOREGRESSIVE)), _remark(results, AUTOREGRESSIVE))


def _both(results: Results) -> Iterator[Contrast]:
    (slow, exact), (fast, bound) = (_depths(results, model) for model in (AUTOREGRESSIVE, FLOW))
    name = f"{TASK}, sequential operations to sample, {AUTOREGRESSIVE} / {FLOW}"
    yield by_sign(log_ratio(name, slow, fast), _remark(results, AUTOREGRESSIVE, FLOW))
    apart = [_apart(*ways) for ways in ((slow, exact), (fast, bound))]
    yield by_sign(difference(f"{TASK}, distance between the two depths, {AUTOREGRESSIVE} - {FLOW}", *apart))


def _apart(sample: Seeds, evaluate: Seeds) -> Seeds:
    """|log(sample / evaluate)|: 0 where both ways are as deep."""
    shared = [s for s in sorted(sample.keys() & evaluate.keys()) if evaluate[s] > 0 and sample[s] > 0]
    return SeedValues({s: abs(math.log(sample[s] / evaluate[s])) for s in shared}, sources(sample, evaluate))


def _remark(results: Results, *models: str) -> str:
    """'decides nothing: conditional_glow, seconds for 1,000: sample 0.4, likelihood 31'; may be empty."""
    found = []
    for model in models:
        for title, metric in (("seconds for 1,000", "seconds_per_1000"), ("FLOPs", "flops")):
            values = {way: results.seeds(TASK, model, f"{way}_{metric}", at_any_step=True).values() for way in WAYS}
            means = [f"{way} {mean(of):.3g}" for way, of in values.items() if of]
            if means:
                found.append(f"{model}, {title}: {', '.join(means)}")
    return f"decides nothing: {'; '.join(found)}" if found else ""


METRIC = "sample_depth, likelihood_depth"
CLAIMS = (
    Claim(
        "slow-sampling",
        "An autoregressive model evaluates all values in parallel and samples them one after the other: sampling "
        "takes more sequential operations, here with a cache of the features of earlier pixels.",
        "autoregressive sampling is sequential",
        METRIC, ("sampling", "evaluation"), _slow,
    ),
    Claim(
        "fast-both-ways",
        "A flow is fast both ways: it samples in fewer sequential operations than an autoregressive model, and the "
        "depths of sampling and of evaluation are closer.",
        "a flow is fast both ways",
        METRIC, ("flow", "autoregressive"), _both,
    ),
)  # fmt: skip
