"""What is said of speed: which way is fast, and which is slow."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference, log_ratio
from pipeline.claims.results import Measured, Results, Seeds, cells

TASK, AUTOREGRESSIVE, FLOW = "shapes_none", "conditional_pixelcnn", "conditional_glow"
DRAWS = 64  # of a dequantised flow's bound: one of them is one evaluation


def _directions(results: Results, model: str) -> tuple[Seeds, Seeds]:
    """Seconds for 1,000 samples, and for 1,000 evaluations."""
    sample, evaluate = (results.seeds(TASK, model, f"{way}_seconds_per_1000") for way in ("sample", "likelihood"))
    return sample, evaluate


def _slow(results: Results) -> Iterator[Contrast]:
    yield log_ratio(f"{TASK}, {AUTOREGRESSIVE}, seconds to sample / to evaluate", *_directions(results, AUTOREGRESSIVE))


def _both(results: Results) -> Iterator[Contrast]:
    (slow, exact), (fast, bound) = (_directions(results, model) for model in (AUTOREGRESSIVE, FLOW))
    yield log_ratio(f"{TASK}, seconds to sample, {AUTOREGRESSIVE} / {FLOW}", slow, fast)
    once = Measured({seed: seconds / DRAWS for seed, seconds in bound.items()}, cells(bound))
    apart = [_apart(*ways) for ways in ((slow, exact), (fast, once))]
    yield difference(f"{TASK}, how far the two ways are apart, {AUTOREGRESSIVE} - {FLOW}", *apart)


def _apart(sample: Seeds, evaluate: Seeds) -> Seeds:
    """|log(sample / evaluate)|: 0 where both ways take as long."""
    shared = [s for s in sorted(sample.keys() & evaluate.keys()) if evaluate[s]]
    return Measured({s: abs(math.log(sample[s] / evaluate[s])) for s in shared}, cells(sample, evaluate))


CLAIMS = (
    Claim(
        "slow-sampling",
        "An autoregressive model is fast to evaluate, all values at once, and slow to sample, one after the other; "
        "here with a cache of what earlier pixels fixed.",
        "sample_seconds_per_1000, likelihood_seconds_per_1000", ("sampling", "evaluation"), _slow,
    ),
    Claim(
        "fast-both-ways",
        "A flow is fast both ways: it samples faster than an autoregressive model, and its two ways are closer.",
        "sample_seconds_per_1000, likelihood_seconds_per_1000", ("flow", "autoregressive"), _both,
    ),
)  # fmt: skip
