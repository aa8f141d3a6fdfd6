"""Convergence: whether the validation score of a cell still rose when its training ended.

The validation score v(t) is the mean bound in nats for each item of the validation split, with the same draws at each
validation; higher is better. With T the last step, t' the last validation at or before 3T/4, and D the values of an
item, the rise is the gain of the best score since t', for a quarter of the steps, in bits per dimension:

    rise = (max_t v(t) - max_{t <= t'} v(t)) / (D ln 2) * T / (4 (T - t'))

A cell is *not converged* if its rise exceeds `LIMIT`. A score that peaked before 3T/4 has a rise of 0, so that a
training that ended for want of patience is converged. Convergence is *not decided* where there is no validation score
up to 3T/4: of adversarial models and autoencoders, which have no bound, and of cells that were validated once.

The rise is a row of results.csv, so that a clone without the curves knows it. No test score enters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipeline import paths
from pipeline.data import manifest
from pipeline.paths import Cell
from pipeline.results import curve
from pipeline.results.column import RISE
from pipeline.results.curve import CurveRow

__all__ = ["LIMIT", "PROTOCOL", "RISE", "SENTENCE", "read_rise", "rise"]

LIMIT = 0.01
"""Bits per dimension for a quarter of the steps: a tenth of what separates the families of images."""
EARLY = 0.75
"""Share of the steps that the rise is counted from."""
VALIDATION = "validation"
PROTOCOL = "best validation score less the best up to 3/4 of the steps, for a quarter of the steps"
SENTENCE = f"the validation score still rose by more than {LIMIT:g} bits/dim for a quarter of the steps"


def read_rise(cell: Cell) -> float | None:
    """The rise of a trained cell; None where it is not decided or there is no curve.

    Raises:
        UserError: its curve or the manifest of its task is damaged.
    """
    if not paths.curve(cell).exists():
        return None
    rows = [row for row in curve.read(cell) if row.player == VALIDATION]
    return rise(rows, math.prod(manifest.read(cell.task).event.shape)) if rows else None


def rise(rows: Sequence[CurveRow], dims: int) -> float | None:
    """The rise of a curve; None where it is not decided.

    Args:
        rows: of the curve, in any order.
        dims: values of an item.
    """
    scores = sorted((r.step, r.value) for r in rows if r.player == VALIDATION and math.isfinite(r.value))
    if not scores:
        return None
    last = scores[-1][0]
    early = [(step, value) for step, value in scores if step <= EARLY * last]
    if not early or last == early[-1][0]:
        return None
    gain = max(value for _, value in scores) - max(value for _, value in early)
    return gain / (dims * math.log(2)) * (1 - EARLY) / (1 - early[-1][0] / last)
