"""The training interval: Student's t over training seeds, mean ± t(n - 1) s / sqrt(n). The seed is the unit.

The difference of two models that are trained independently has Welch's interval (1947, Biometrika 34):

    mean a - mean b ± t(v) e,    e^2 = s_a^2 / n_a + s_b^2 / n_b,    v = e^4 / sum_i (s_i^2 / n_i)^2 / (n_i - 1)

It is never mixed with the sampling interval, a bootstrap over the samples of one trained model (`bootstrap`). Over a
handful of seeds a bootstrap is too narrow: a nominal 95 % interval covers about 76 % at n = 3, so it has no place here.

Distances are skewed, so their interval is taken of their logarithms: mean is then the geometric mean.

Student 1908. Imports numpy and scipy only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Seeds = Mapping[int, float]
"""Training seed -> value; empty where nothing is measured."""


class Interval(NamedTuple):
    mean: float
    low: float | None
    """None of a single value."""
    high: float | None
    n: int


def student_t(values: ArrayLike, level: float = 0.95, *, log: bool = False) -> Interval:
    """values (n,), one for each training seed -> the interval of their mean, of their geometric mean if `log`.

    Raises:
        ValueError: there are no values, one is not finite, or one is not positive and `log` is asked for.
    """
    x = _checked(values)
    if log and (x <= 0).any():
        raise ValueError(f"{x.min()} has no logarithm: an interval on the log scale needs positive values")
    forth, back = (np.log, math.exp) if log else (np.asarray, float)
    x = forth(x)
    mean, n = float(x.mean()), len(x)
    if n == 1:
        return Interval(back(mean), None, None, n)
    half = float(stdtrit(n - 1, (1 + level) / 2) * x.std(ddof=1)) / math.sqrt(n)
    return Interval(back(mean), back(mean - half), back(mean + half), n)


def welch_error(counts: ArrayLike, spreads: ArrayLike) -> tuple[float, float]:
    """The standard error of a difference of two means, and its degrees of freedom v.

    Args:
        counts: (2,) values on each side, two or more.
        spreads: (2,) their standard deviations. If both are 0, so is the error, and v is 1.
    """
    n, s = np.asarray(counts), np.asarray(spreads, dtype=np.float64)
    if not s.any():
        return 0.0, 1.0
    scale = s.max()  # squares of tiny numbers would be 0
    parts = (s / scale) ** 2 / n
    total = float(parts.sum())
    return float(scale) * math.sqrt(total), total**2 / float((parts**2 / (n - 1)).sum())


def welch(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """a (n_a,), b (n_b,), one value for each training seed -> the interval of mean a - mean b, of independent samples.

    `n` of the interval is the smaller number of values; with one value on a side there are no ends.

    Raises:
        ValueError: a side has no values, or one is not finite.
    """
    x, y = _checked(a), _checked(b)
    mean, n = float(x.mean() - y.mean()), min(len(x), len(y))
    if n == 1:
        return Interval(mean, None, None, n)
    error, freedom = welch_error([len(x), len(y)], [x.std(ddof=1), y.std(ddof=1)])
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Interval(mean, mean - half, mean + half, n)


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise ValueError(f"an interval needs a list of finite values, not {values!r}")
    return x
