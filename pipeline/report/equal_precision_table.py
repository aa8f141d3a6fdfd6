"""The table of a board whose models are compared at equal precision (`pipeline.results.equal_precision`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import get_args

from pipeline.report.leaderboard import Board, Standing
from pipeline.results.column import DASH, column
from pipeline.results.equal_precision import PRECISION, EqualPrecisionPoint, Variety, at_precision, highest
from pipeline.statistics.intervals import student_t

TITLE = f"At equal precision, {PRECISION:g}"
RULE = (
    f"Recall and coverage at the setting of the knob that has the most of them among those with a precision of "
    f"{PRECISION:g} or more on the validation split, between measured settings by straight lines; the values, and the "
    "precision beside them, are those of the test split. A model of which a seed never reaches that precision has none"
)
Rows = list[list[str]]


def columns(board: Board) -> Rows:
    """Columns, each its title and then its cells; empty where no knob was turned.

    A row for each model whose settings were selected on the validation split, in the order of the board.
    """
    found = [s for s in board.standings if any(o.turns and o.validation for o in s.swept)]
    if not found:
        return []
    titles = ["model", "family", "knob"]
    for variety in get_args(Variety):
        titles += [_title(board, variety), "its setting", "its precision"]
    rows = [list(_row(standing)) for standing in found]
    return [[title, *(row[place] for row in rows)] for place, title in enumerate(titles)]


def _title(board: Board, variety: Variety) -> str:
    return f"{column(variety).title} ↑" + (" (blind)" if variety in board.blind else "")


def _row(standing: Standing) -> Iterator[str]:
    yield from (standing.model, standing.family, standing.swept[0].knob)
    for variety in get_args(Variety):
        yield from _cells(standing, variety)


def _cells(standing: Standing, variety: Variety) -> tuple[str, str, str]:
    swept = [o for o in standing.swept if o.turns and o.validation]
    if any(getattr(point, variety) is None for o in swept for point in (*o.turns, *o.validation)):
        return DASH, DASH, DASH
    points = [at_precision(o.turns, o.validation, variety) for o in swept]
    reached = [point for point in points if point is not None]
    if len(reached) < len(points):
        return _never(len(points) - len(reached), [highest(o.validation) for o in swept]), DASH, DASH
    return (
        _mean(reached, variety),
        f"{fmean(point.setting for point in reached):.2f}",
        f"{fmean(point.precision for point in reached):.3f}",
    )


def _never(seeds: int, peaks: Sequence[float]) -> str:
    """'never: at most 0.71', or 'never of 1 of 3 seeds: at most 0.88'"""
    of = "" if seeds == len(peaks) else f" of {seeds} of {len(peaks)} seeds"
    peak = max(p for p in peaks if p < PRECISION)
    return f"never{of}: at most {peak:.2f}"


def _mean(points: Sequence[EqualPrecisionPoint], variety: Variety) -> str:
    interval = student_t([point.value for point in points])
    return column(variety).spread(interval.mean, interval.low, interval.high)
