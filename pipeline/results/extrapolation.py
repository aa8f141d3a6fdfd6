"""Where a learning curve would end: a power law through the validation scores.

    v(t) = a - b t^-c,    b >= 0,    c in [0.1, 2]

by least squares over the validations after the first quarter of the training; a is the score without end. It is a
guess: a schedule that lowers the learning rate bends the curve at its end, and the law may not hold. It stands beside
a measured number and never in its place.

References:
    Hestness et al. 2017, Deep learning scaling is predictable, empirically, arXiv:1712.00409.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline import paths
from pipeline.paths import Cell
from pipeline.results import curve
from pipeline.results.convergence import VALIDATION
from pipeline.results.curve import CurveRow

EARLY = 0.25
"""Share of the steps that the law leaves out."""
LEAST = 5
"""Validations after that."""
EXPONENTS = np.linspace(0.1, 2.0, 96)


class Extrapolation(NamedTuple):
    """Validation scores in nats of an item, higher is better."""

    last: float
    """The best score of the training."""
    end: float
    """a."""


def read(cell: Cell) -> Extrapolation | None:
    """Of a trained cell; None where there is no curve, or no law fits it.

    Raises:
        UserError: its curve is damaged.
    """
    return extrapolate(curve.read(cell)) if paths.curve(cell).exists() else None


def extrapolate(rows: Sequence[CurveRow]) -> Extrapolation | None:
    """Fit the law; None with fewer than `LEAST` validations, a falling score, or an exponent at an end of its range.

    Args:
        rows: of the curve, in any order.
    """
    scores = sorted((r.step, r.value) for r in rows if r.player == VALIDATION and math.isfinite(r.value))
    late = [(step, value) for step, value in scores if step >= EARLY * scores[-1][0]]
    if len(late) < LEAST:
        return None
    step, value = (np.asarray(part, dtype=np.float64) for part in zip(*late, strict=True))
    fits = [_fit(step / step[-1], value, exponent) for exponent in EXPONENTS]
    best = min(range(len(fits)), key=lambda place: fits[place][2])
    end, slope, _ = fits[best]
    if slope <= 0 or best in (0, len(fits) - 1):
        return None
    return Extrapolation(float(value.max()), end)


def _fit(t: np.ndarray, v: np.ndarray, exponent: float) -> tuple[float, float, float]:
    """(a, b, the sum of squared residuals) at one exponent."""
    design = np.stack([np.ones_like(t), -(t**-exponent)], axis=1)
    (end, slope), *_ = np.linalg.lstsq(design, v, rcond=None)
    return float(end), float(slope), float(np.square(design @ (end, slope) - v).sum())
