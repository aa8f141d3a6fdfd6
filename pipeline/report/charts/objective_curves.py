"""One architecture under several objectives: the KL divergence in both directions, and precision against coverage.

A marker for each model; lines join the settings of a knob, from maximum likelihood to reverse KL (the order of the
Rényi divergence, solid) or to the adversarial game alone (its weight, dashed). Bars: the 95 % t interval over seeds. On
images, where the true density is not known, bits/dim against coverage takes the place of the divergences. Divergences
below `SMALLEST` are drawn there: they are within the noise of the estimate, which may be negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import altair as alt

from pipeline.report import style
from pipeline.report.charts import scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.report.charts.scatter import ChartAxis, ModelPoint
from pipeline.report.leaderboard import Board
from pipeline.results import objective_series
from pipeline.results.column import DASH, column
from pipeline.results.objective_series import LABELS, SUITE
from pipeline.statistics.intervals import Interval

SMALLEST = 1e-3
"""Nats."""
REFERENCES = ("oracle", "real")
DASHED = {"order": [1, 0], "weight": [5, 3]}
METRICS = ("kl_qp", "kl_pq", "coverage", "precision", "bits_per_dim")


class Plane(NamedTuple):
    """`x`, `y`: metrics; `log`: whether both axes are logarithmic."""

    x: str
    y: str
    log: bool
    points: list[ModelPoint]


def draw(board: Board) -> Chart | None:
    """None of the boards of other suites, and where no models of one architecture can be compared."""
    planes = [plane for plane in _planes(board) if len(plane.points) > 1] if board.suite == SUITE else []
    if not planes:
        return None
    shown = "; ".join(f"{column(plane.y).title} against {column(plane.x).title}" for plane in planes)
    families = style.in_order(point.family for plane in planes for point in plane.points)
    return Chart(
        key=f"objectives-{board.suite}-{board.task}",
        title=f"One architecture, many objectives on {board.task}: lines are knobs, solid {LABELS['order']}, dashed "
        f"{LABELS['weight']}",
        alt=f"Scatter charts of the models of {', '.join(families)} on {board.task}, by objective: {shown}.",
        spec=theme.spec(alt.hconcat(*(_draw(plane) for plane in planes))),
        table=ChartTable(("model", "family", *(column(metric).title for metric in METRICS)), list(_rows(board))),
        legend=[(family, family) for family in families],
        wide=True,
    )


def _planes(board: Board) -> Iterator[Plane]:
    if {"kl_pq", "kl_qp"} <= board.protocols.keys():
        found = [p._replace(x=_floored(p.x), y=_floored(p.y)) for p in _points(board, "kl_qp", "kl_pq")]
        yield Plane("kl_qp", "kl_pq", True, found)
    else:
        yield Plane("coverage", "bits_per_dim", False, _points(board, "coverage", "bits_per_dim"))
    yield Plane("coverage", "precision", False, _points(board, "coverage", "precision"))


def _points(board: Board, x: str, y: str) -> list[ModelPoint]:
    shown = {*objective_series.models(), *REFERENCES}
    return scatter.points([s for s in board.standings if s.model in shown], x, y)


def _floored(interval: Interval) -> Interval:
    low, high = (None if end is None else max(end, SMALLEST) for end in (interval.low, interval.high))
    return interval._replace(mean=max(interval.mean, SMALLEST), low=low, high=high)


def _draw(plane: Plane) -> alt.LayerChart:
    x = ChartAxis.around(_title(plane.x), [p.x.mean for p in plane.points], log=plane.log)
    y = ChartAxis.around(_title(plane.y), [p.y.mean for p in plane.points], log=plane.log, length=scatter.HEIGHT)
    rows = _lines(plane.points)
    lines = [scatter.line(rows, x, y, "setting", dash=True)] if rows else []
    return scatter.layered([*lines, *scatter.layers(plane.points, x, y)], x.length, y.length)


def _title(metric: str) -> str:
    return {
        "kl_qp": "KL(q‖p), nats: large where q puts what p has not",
        "kl_pq": "KL(p‖q), nats: large where q misses",
    }.get(metric, column(metric).title)


def _lines(points: Sequence[ModelPoint]) -> list[dict[str, Any]]:
    """The corners of each line, in the order of its settings."""
    by_name = {point.model: point for point in points}
    return [
        {"model": f"{one.architecture}, {one.knob}", "colour": theme.colour(by_name[name].family),
         "dash": DASHED[one.knob], "setting": place, "x": theme.rounded(by_name[name].x.mean),
         "y": theme.rounded(by_name[name].y.mean)}
        for one in objective_series.series(by_name) for place, (_, name) in enumerate(one.models)
    ]  # fmt: skip


def _rows(board: Board) -> Iterator[list[str]]:
    for s in board.standings:
        if s.model in objective_series.models():
            cells = (scatter.words(s.scores[m].interval, column(m).text) if m in s.scores else DASH for m in METRICS)
            yield [s.model, s.family, *cells]
