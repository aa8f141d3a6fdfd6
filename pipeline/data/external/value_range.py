"""Values in a stated range -> the levels of the task, 0 .. L-1. A value between two levels is refused, or rounded.

    level k is written as   low + k (high - low) / (L - 1),   and of whole numbers as the nearest one

so that 17 levels in 0 .. 255 are 0, 16, 32, 48, 64, 80, 96, 112, 128, ...: what `coverseek sample` writes as PNG.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Event
from pipeline.data.array_files import Array
from pipeline.errors import UserError

CHUNK = 4096
"""Samples that are converted at once: real numbers take eight times the memory of levels."""
TOLERANCE = 0.01
"""Of the step between two levels: more than the rounding error of float32 in any range, less than that of a model."""


class Range(NamedTuple):
    """What the lowest and the highest level are written as."""

    low: float
    high: float


BYTES = Range(0, 255)
"""Of uint8 by default."""


class Levels(NamedTuple):
    x: NDArray[np.uint8]
    """(N, C, H, W)."""
    rounded: float
    """Share of the values that lay between two levels."""


def parse(text: str) -> Range:
    """'-1,1'.

    Raises:
        UserError: these are no two numbers, the lower one first.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"--range {text!r} is no range: give two numbers, the lower one first, as in --range=-1,1")
    return Range(low, high)


def to_levels(x: Array, event: Event, span: Range | None, *, nearest: bool, what: str) -> Levels:
    """Convert values to levels.

    Args:
        x: (N, C, H, W) of numbers.
        event: the images of the task.
        span: the range of the values; None: 0 to 255, which only uint8 may have.
        nearest: round values between two levels to the nearest.
        what: names x in errors.

    Raises:
        UserError: the range is not known, a value lies outside it or, unless `nearest`, between two levels.
    """
    if x.dtype.kind not in "uif":
        raise UserError(f"{what} holds {x.dtype}: save uint8 or float32")
    if span is None and x.dtype != np.uint8:
        raise UserError(f"{what} holds {x.dtype}: say what range the values have, as in --range=-1,1")
    low, high = span or BYTES
    step, rounded = (high - low) / (event.grid - 1), 0
    levels = np.empty(x.shape, np.uint8)
    for first in range(0, len(x), CHUNK):
        part = x[first : first + CHUNK]
        exact = (part.astype(np.float64) - low) / step
        outside = ~((exact > -TOLERANCE) & (exact < event.grid - 1 + TOLERANCE))  # NaN is outside too
        if outside.any():
            item = int(np.flatnonzero(outside.reshape(len(part), -1).any(axis=1))[0])
            value = part[item][outside[item]][0]
            raise UserError(f"{what}: sample {first + item} holds {value:g}, outside the range {low:g} to {high:g}")
        level = np.rint(exact).clip(0, event.grid - 1)
        written = low + level * step
        between = np.rint(written) != part if part.dtype.kind in "ui" else np.abs(written - part) > TOLERANCE * step
        if between.any() and not nearest:
            raise UserError(
                f"{what}: values lie between the {event.grid} levels of {low:g} to {high:g} (the first is "
                f"{part[between][0]:g}): name the range with --range, or round them with --round"
            )
        levels[first : first + CHUNK], rounded = level, rounded + int(between.sum())
    return Levels(levels, rounded / max(1, x.size))
