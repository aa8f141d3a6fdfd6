"""The values that each metric can have, and the likely mistake behind one that it cannot have."""

from __future__ import annotations

import math
from typing import NamedTuple

UNBOUNDED = frozenset({"kernel", "frechet_infinity", "memorisation_ct", "nats", "elbo", "kl_pq", "kl_qp"})
"""Metrics that can be negative: unbiased estimates, extrapolations, z-scores, log densities, and Monte-Carlo means."""
SHARES = frozenset({"share", "F-score", "intersection over union"})
"""Units of what lies between 0 and 1."""
ROUNDING = 1e-9


class Range(NamedTuple):
    """The smallest and the largest value that a metric can have."""

    low: float
    high: float


def of(metric: str, unit: str) -> Range:
    """The range of a metric.

    Args:
        metric: its name, as in results.csv.
        unit: its unit, as in results.csv.
    """
    if unit in SHARES:
        return Range(0.0, 1.0)
    if metric.startswith("iwae_") or metric in UNBOUNDED:
        return Range(0.0 if unit == "bits/dim" else -math.inf, math.inf)
    return Range(0.0, 255.0 if unit == "levels of 255" else math.inf)


def mistake(metric: str, unit: str, value: float) -> str:
    """What is wrong with a value outside its metric's range, in words; empty where it lies within.

    Returns:
        For example 'precision is a share between 0 and 1, not 79.6: a percentage? 79.6 % is 0.796'.
    """
    low, high = of(metric, unit)
    if low - ROUNDING <= value <= high + ROUNDING:
        return ""
    if unit in SHARES:
        percent = f": a percentage? {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
        return f"{metric} is a {unit} between 0 and 1, not {value:g}{percent}"
    if unit == "bits/dim":
        return f"{metric} of discrete images is at least 0, not {value:g}: the sign, or a density for a probability?"
    bound = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
    return f"{metric} is {bound}, not {value:g}: the sign?"
