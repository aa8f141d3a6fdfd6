"""Convergence: whether the validation score of a cell was still improving when its training ended.

The validation score v(t) of a model with a bound is the mean bound in nats for each item of the validation split;
higher is better. That of a training that does not maximise the bound, as by an adversarial loss, reverse KL or a Rényi
divergence, is -H(t), with H the energy coefficient of its samples and the validation split
(`pipeline.training.validation`): where H was measured it decides alone, as a likelihood may fall while the objective
converges. Both are measured with the same draws at each validation. With T the last step,
t' the last validation at or before 3T/4, and D the values of an item, the gain is that of the best score since t', for
a quarter of the steps:

    gain = (max_t v(t) - max_{t <= t'} v(t)) * T / (4 (T - t'))
    rise = gain / (D ln 2) of a bound, in bits per dimension;  gain of -H, a share

A cell is *not converged* if this exceeds the limit of its criterion (`CRITERIA`). A score that peaked before 3T/4 has a
gain of 0, so that a training that ended for want of patience is converged. Convergence is *not decided* where there is
no validation score up to 3T/4: of autoencoders and energy-based models without a bound, and of cells that were
validated once.

The gain is a row of results.csv, so that a clone without the curves knows it. No test score enters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pipeline import paths
from pipeline.data import manifest
from pipeline.paths import Cell
from pipeline.results import curve
from pipeline.results.column import FALL, RISE
from pipeline.results.curve import CurveRow

__all__ = ["CRITERIA", "FALL", "LIMIT", "RISE", "SENTENCE", "Criterion", "fall", "measured", "rise"]

LIMIT = 0.01
"""Bits per dimension for a quarter of the steps: a tenth of what separates the families of images."""
LIMIT_OF_SAMPLES = 0.005
"""Of the energy coefficient: about its noise at 250 samples of the true distribution. Fixed before any result."""
EARLY = 0.75
"""Share of the steps that the gain is counted from."""
VALIDATION = "validation"
DISTANCE = "energy_coefficient"
"""The part of a validation row that has the distance of samples; all others are bounds."""


class Criterion(NamedTuple):
    """A metric that decides convergence."""

    metric: str
    limit: float
    unit: str
    protocol: str


BOUND = "best validation score less the best up to 3/4 of the steps, for a quarter of the steps"
SAMPLES = "least energy coefficient of samples up to 3/4 of the steps less the least, for a quarter of the steps"
CRITERIA = (Criterion(RISE, LIMIT, "bits/dim", BOUND), Criterion(FALL, LIMIT_OF_SAMPLES, "share", SAMPLES))
SENTENCE = (
    f"in the last quarter of the steps the validation score still rose by more than {LIMIT:g} bits/dim, or that of "
    f"samples by more than {LIMIT_OF_SAMPLES:g}"
)


def measured(cell: Cell) -> list[tuple[Criterion, float]]:
    """The gain of a trained cell by the criterion that decides it; none where there is no curve.

    Raises:
        UserError: its curve or the manifest of its task is damaged.
    """
    if not paths.curve(cell).exists():
        return []
    rows = [row for row in curve.read(cell) if row.player == VALIDATION]
    if not rows:
        return []
    bound, samples = CRITERIA
    if any(row.part == DISTANCE for row in rows):
        criterion, gain = samples, fall(rows)
    else:
        criterion, gain = bound, rise(rows, math.prod(manifest.read(cell.task).event.shape))
    return [] if gain is None else [(criterion, gain)]


def rise(rows: Sequence[CurveRow], dims: int) -> float | None:
    """The rise of a bound in bits per dimension; None where it is not decided.

    Args:
        rows: of the curve, in any order.
        dims: values of an item.
    """
    gain = _gain([(r.step, r.value) for r in rows if r.player == VALIDATION and r.part != DISTANCE])
    return None if gain is None else gain / (dims * math.log(2))


def fall(rows: Sequence[CurveRow]) -> float | None:
    """The fall of the energy coefficient, a share; None where it is not decided."""
    return _gain([(r.step, -r.value) for r in rows if r.player == VALIDATION and r.part == DISTANCE])


def _gain(validations: Sequence[tuple[int, float]]) -> float | None:
    scores = sorted((step, value) for step, value in validations if math.isfinite(value))
    if not scores:
        return None
    last = scores[-1][0]
    early = [(step, value) for step, value in scores if step <= EARLY * last]
    if not early or last == early[-1][0]:
        return None
    gain = max(value for _, value in scores) - max(value for _, value in early)
    return gain * (1 - EARLY) / (1 - early[-1][0] / last)
