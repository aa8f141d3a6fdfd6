"""Values in a stated range -> the levels of the task, 0 .. L-1. A value between two levels is refused, or rounded.

    level k is written as   low + k (high - low) / (L - 1),   and of whole numbers as the nearest one

so that 17 levels in 0 .. 255 are 0, 16, 32, 48, 64, 80, 96, 112, 128, ...: what `coverseek sample` writes as PNG.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Event
from pipeline.errors import UserError

Array = NDArray[Any]
CHUNK = 4096
"""Samples that are looked at together: real numbers take eight times the memory of levels."""
NEAR = 0.01
"""Of the step between two levels: the rounding of float32 in any range, not that of a model."""


class Range(NamedTuple):
    """What the lowest and the highest level are written as."""

    low: float
    high: float


BITS = Range(0, 255)
"""Of uint8, unless something else is said."""


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


def levels(x: NDArray[Any], event: Event, span: Range | None, *, nearest: bool, what: str) -> Levels:
    """x (N, C, H, W) of numbers; without `span` uint8 has 0 to 255. `nearest`: round what lies between two levels.

    Raises:
        UserError: the range is not known, a value lies outside it or, unless `nearest`, between two levels.
    """
    if x.dtype.kind not in "uif":
        raise UserError(f"{what} holds {x.dtype}: save uint8 or float32")
    if span is None and x.dtype != np.uint8:
        raise UserError(f"{what} holds {x.dtype}: say what range the values have, as in --range=-1,1")
    fitted = np.empty(x.shape, np.uint8)
    off = 0
    for first in range(0, len(x), CHUNK):
        part = x[first : first + CHUNK]
        level = _inside(part, event, span or BITS, f"{what}: sample", first)
        between = _between(part, level, event, span or BITS)
        if between.any() and not nearest:
            raise UserError(_unrounded(what, event, span or BITS, part[between]))
        fitted[first : first + CHUNK], off = level, off + int(between.sum())
    return Levels(fitted, off / max(1, x.size))


def _inside(x: Array, event: Event, span: Range, what: str, first: int) -> Array:
    """The nearest level of each value, as a real number; `first` is the place of x[0] among all samples."""
    exact = (x.astype(np.float64) - span.low) / _step(event, span)
    outside = ~((exact > -NEAR) & (exact < event.grid - 1 + NEAR))  # what is no number is outside too
    if outside.any():
        item = int(np.flatnonzero(outside.reshape(len(x), -1).any(axis=1))[0])
        value = x[item][outside[item]][0]
        raise UserError(f"{what} {first + item} holds {value:g}, outside the range {span.low:g} to {span.high:g}")
    return np.rint(exact).clip(0, event.grid - 1)


def _between(x: Array, level: Array, event: Event, span: Range) -> NDArray[np.bool_]:
    """Which values are not how their level is written."""
    at = span.low + level * _step(event, span)
    return np.rint(at) != x if x.dtype.kind in "ui" else np.abs(at - x) > NEAR * _step(event, span)


def _step(event: Event, span: Range) -> float:
    return (span.high - span.low) / (event.grid - 1)


def _unrounded(what: str, event: Event, span: Range, off: Array) -> str:
    return (
        f"{what}: values lie between the {event.grid} levels of {span.low:g} to {span.high:g} (the first is "
        f"{off[0]:g}): name the range with --range, or round them with --round"
    )
