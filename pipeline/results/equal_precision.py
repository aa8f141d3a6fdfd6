"""Models compared at equal precision: recall and coverage where the precision of a model is 0.9.

Precision and variety trade off along a model's knob, so that two models with their knobs at 1 may differ in both. Here
each model is read at the setting that gives it the same precision. Let p_k and v_k be the precision and the variety
(recall, or coverage) at the settings s_1 < s_2 < ... of a cell, joined by straight lines, so that between two settings

    s(t) = (1 - t) s_k + t s_{k+1},   p(t) = (1 - t) p_k + t p_{k+1},   v(t) = (1 - t) v_k + t v_{k+1},   0 <= t <= 1

The setting s* is the one with the largest v(s) among those with p(s) >= 0.9, on the *validation* split: it is a setting
that was measured, or one between two of them where p crosses 0.9. The number is v(s*) on the *test* split, by the same
straight lines, and is shown with p(s*) there, which may differ from 0.9 by chance. Recall and coverage each have
their own s*. Nothing is extrapolated: a cell without a setting of p >= 0.9 on the validation split never reaches 0.9
and has no number.

A model has a number if each of its seeds has one: the mean over those seeds alone that reach 0.9 would be selected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from pipeline.results.outcomes import SweepPoint

PRECISION = 0.9
Variety = Literal["recall", "coverage"]


class EqualPrecisionPoint(NamedTuple):
    """One cell at s*.

    Attributes:
        setting: s*.
        precision: on the test split.
        value: recall or coverage on the test split.
    """

    setting: float
    precision: float
    value: float


def at_precision(
    test: Sequence[SweepPoint], validation: Sequence[SweepPoint], variety: Variety, precision: float = PRECISION
) -> EqualPrecisionPoint | None:
    """The cell at s*.

    Args:
        test: the settings as they are scored.
        validation: the settings as they are selected; those that one of the splits lacks are left out.
        variety: what is largest at s*.
        precision: in (0, 1].

    Returns:
        None where no setting has that precision on the validation split, or the variety was not measured.
    """
    scored, selected = ({point.setting: point for point in points} for points in (test, validation))
    settings = sorted(scored.keys() & selected.keys())
    if any(getattr(of[s], variety) is None for of in (scored, selected) for s in settings):
        return None
    p = [selected[s].precision for s in settings]
    places = [float(k) for k, of in enumerate(p) if of >= precision]
    crossings = [
        k + (precision - low) / (high - low)
        for k, (low, high) in enumerate(pairwise(p))
        if (low - precision) * (high - precision) < 0
    ]
    if not places and not crossings:
        return None

    def read(place: float, value: Callable[[float], float]) -> float:
        k = min(int(place), len(settings) - 1)
        after = min(k + 1, len(settings) - 1)
        return value(settings[k]) + (place - k) * (value(settings[after]) - value(settings[k]))

    chosen = max([*places, *crossings], key=lambda place: read(place, lambda s: float(getattr(selected[s], variety))))
    return EqualPrecisionPoint(
        read(chosen, float),
        read(chosen, lambda s: scored[s].precision),
        read(chosen, lambda s: float(getattr(scored[s], variety))),
    )


def highest(validation: Sequence[SweepPoint]) -> float:
    """The highest precision of the settings on the validation split."""
    return max(point.precision for point in validation)
