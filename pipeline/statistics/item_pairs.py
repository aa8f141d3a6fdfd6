"""Item-paired intervals: the difference of two models' mean scores over the items of one test split.

With d_i the score of test item i by model a less that by model b, each the mean over the model's training seeds, and N
items:

    items    mean d + (d*_r - mean of d*), its middle 95 %; d*_r is the mean of d over resample r, N of the N items
             drawn with replacement. What another test split would have given for these trained models
    both     mean d ± t(v) e,   e² = e_s² + e_i²,   v = e⁴ / (e_s⁴ / v_s + e_i⁴ / (N - 1))
             What another test split and other trainings would have given

e_s and v_s are the standard error and the degrees of freedom of the t test over seeds (`comparison`), e_i is the
standard deviation of the d*_r, and v is Satterthwaite's (1946, Biometrics 2). What varies with seed and item together
enters e_s² and e_i² both, so that `both` is wide rather than narrow.

WHY paired: an item that is hard for one model is hard for another, so that d varies less over items than either score.

Test items that share sources are clusters: deviations of the d*_r are scaled by the root of `inflation`, the rule that
the sampling intervals of single models have (`pipeline.metrics.evaluation.bootstrap`, here without torch).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pipeline.statistics.comparison import Pair
from pipeline.statistics.intervals import Interval

RESAMPLES, LEVEL = 1000, 0.95

Scores = Mapping[str, NDArray[np.float64]]
"""Model -> (N,) scores of the test items, in one order."""


class PairIntervals(NamedTuple):
    """Of one pair. `n` of `items` is the number of items, of `both` the smaller number of seeds."""

    items: Interval
    both: Interval


def paired_intervals(pair: Pair, scores: Scores, sources: NDArray[Any] | None = None) -> PairIntervals:
    """The intervals of a - b over items, and over items and seeds.

    Args:
        pair: two models that are compared over seeds.
        scores: of both models.
        sources: (N, R) integers, of each item the sources that it is made of; None where items are independent.

    Raises:
        ValueError: the scores of the two models are not of the same items, or are of fewer than two.
    """
    a, b = scores[pair.a], scores[pair.b]
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(
            f"scores of {pair.a} and {pair.b} must be of the same items, two or more: {a.shape}, {b.shape}"
        )
    d, n = a - b, len(a)
    mean = float(d.mean())
    found = _counts(n) @ d / n
    deviations = found - found.mean()
    if sources is not None:
        deviations = deviations * math.sqrt(inflation(d, sources))
    low, high = mean + np.quantile(deviations, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    items = float(deviations.std())
    error = math.hypot(pair.error, items)
    half = float(stdtrit(_freedom(pair, items, n), (1 + LEVEL) / 2)) * error if error else 0.0
    return PairIntervals(
        Interval(mean, float(low), float(high), n), Interval(mean, mean - half, mean + half, pair.seeds)
    )


def inflation(values: NDArray[np.float64], sources: NDArray[Any]) -> float:
    """The variance of the mean of items with shared sources over that of independent items, at least 1.

    Args:
        values: (N,).
        sources: (N, R) integers, of each item the sources that it is made of; one may occur twice.

    References:
        Cameron, Gelbach, Miller 2011, J. Bus. Econ. Stat. 29.
    """
    e = values - values.mean()
    once = float((e**2).sum())
    if not once:
        return 1.0
    used, index = np.unique(sources, return_inverse=True)
    members = np.zeros((len(e), len(used)))
    members[np.arange(len(e))[:, None], index.reshape(sources.shape)] = 1.0
    shared = float(((members.T @ e) ** 2).sum()) * len(used) / max(1, len(used) - 1)
    return max(1.0, (shared - float(((members.sum(axis=1) - 1) * e**2).sum())) / once)


def _freedom(pair: Pair, items: float, n: int) -> float:
    """Satterthwaite's degrees of freedom of two independent errors."""
    scale = max(pair.error, items)  # fourth powers of tiny numbers would be 0
    if not scale:
        return float(n - 1)
    seeds, items = (pair.error / scale) ** 2, (items / scale) ** 2
    return (seeds + items) ** 2 / (seeds**2 / pair.freedom + items**2 / (n - 1))


@lru_cache(maxsize=2)
def _counts(n: int) -> NDArray[np.float64]:
    """(RESAMPLES, n): how often each resample holds each item, the same for all pairs."""
    rng = np.random.default_rng(0)
    return np.stack([np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64) for _ in range(RESAMPLES)])
