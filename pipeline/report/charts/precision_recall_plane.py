"""The plane of precision against recall (Kynkäänniemi et al. 2019, arXiv:1904.06991).

A model that covers the modes lies to the right, one that seeks a few lies at the top left. Where recall is blind, since
it does not distinguish the controls, coverage (Naeem et al. 2020, arXiv:2002.09797) takes its place; a metric that is
blind nevertheless has "(blind)" on its axis. Bars: the 95 % t interval over seeds. Lines: the model as its sampling
parameter (temperature, truncation, guidance) varies, with a dot at the lowest setting. Controls are hollow and grey.
Where more than `CROWD` models are shown, a second panel enlarges the region in which most of them lie; each is named
once, in the panel with more room.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np

from pipeline.report import style
from pipeline.report.charts import scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.report.charts.scatter import ChartAxis, ModelPoint
from pipeline.report.leaderboard import Board, Standing
from pipeline.results.column import DASH, column

TITLES = {
    "recall": "share of held-out data near samples",
    "coverage": "share of held-out data with a sample near",
    "precision": "share of samples near held-out data",
}
CROWD = 20
"""Models that one panel can name."""
OUTLYING = 0.25
"""Share of the models that the enlarged region leaves out at its left, and below."""


def draw(board: Board) -> Chart | None:
    """None where no model has both numbers."""
    variety = board.variety
    found = scatter.points(board.standings, variety, "precision")
    if not found:
        return None
    head = ("model", "family", variety, "precision", f"curve of its knob: setting ({variety}, precision)")
    panels = _panels(board, found)
    return Chart(
        key=f"plane-{board.suite}-{board.task}",
        title=f"Covering or seeking on {board.task}: bars are 95 % training intervals, lines the curves of the knobs",
        alt=_alt(board, found),
        spec=theme.spec(panels[0] if len(panels) == 1 else alt.hconcat(*panels)),
        table=ChartTable(
            head, [_row(board, *row) for row in scatter.rows(found, column(variety), column("precision"))]
        ),
        legend=[(family, family) for family in style.in_order(point.family for point in found)],
        wide=len(panels) > 1,
    )


def _panels(board: Board, found: Sequence[ModelPoint]) -> list[alt.LayerChart]:
    x, y = (ChartAxis(_title(board, metric), -0.02, 1.02) for metric in (board.variety, "precision"))
    y = y._replace(length=scatter.HEIGHT)
    if len(found) <= CROWD:
        return [_panel(board, found, found, x, y)]
    across, down = _crowded(x, [p.x.mean for p in found]), _crowded(y, [p.y.mean for p in found])
    inner = [point for point in found if across.holds(point.x.mean) and down.holds(point.y.mean)]
    outer = [point for point in found if point not in inner]
    enlarged = _panel(board, inner, inner, across, down, "The same, its crowded region")
    return [_panel(board, found, outer, x, y), enlarged]


def _crowded(axis: ChartAxis, values: Sequence[float]) -> ChartAxis:
    low, high = float(np.quantile(values, OUTLYING)), max(values)
    room = 0.15 * (high - low) or 0.01
    return axis._replace(low=low - room, high=high + room)


def _panel(
    board: Board, found: Sequence[ModelPoint], named: Sequence[ModelPoint], x: ChartAxis, y: ChartAxis, title: str = ""
) -> alt.LayerChart:
    curves = [[(x, y) for _, x, y in _curve(board, s)] for s in board.standings]
    layers = [*_knobs(board, x, y), *scatter.layers(found, x, y, named=named, lines=curves)]
    return scatter.layered(layers, x.length, y.length, title)


def _title(board: Board, metric: str) -> str:
    name = f"{metric} (blind)" if metric in board.blind else metric
    return f"{name}: {TITLES[metric]}"


def _curve(board: Board, standing: Standing) -> list[tuple[float, float, float]]:
    """Setting, recall or coverage, and precision, as far as they were measured."""
    steps = ((step.setting, getattr(step, board.variety), step.precision) for step in standing.curve)
    return [step for step in steps if step[1] is not None]


def _knobs(board: Board, x: ChartAxis, y: ChartAxis) -> list[alt.Chart]:
    """A line for each model, with a dot at its lowest setting."""
    rows = [
        {"model": s.model, "colour": theme.colour(s.family), "x": round(variety, 4), "y": round(precision, 4),
         "setting": setting, "lowest": place == 0}
        for s in board.standings for place, (setting, variety, precision) in enumerate(_curve(board, s))
        if theme.drawable(variety, precision, setting)
    ]  # fmt: skip
    return [scatter.line(rows, x, y, "setting"), scatter.dots(rows, x, y, "lowest")] if rows else []


def _row(board: Board, model: str, *cells: str) -> tuple[str, ...]:
    standing = next(s for s in board.standings if s.model == model)
    curve = "; ".join(f"{setting:g} ({x:.2f}, {y:.2f})" for setting, x, y in _curve(board, standing))
    return model, *cells, curve or DASH


def _alt(board: Board, found: Sequence[ModelPoint]) -> str:
    models = [point for point in found if point.family != "control"] or list(found)
    highest = {
        board.variety: max(models, key=lambda point: point.x.mean).model,
        "precision": max(models, key=lambda point: point.y.mean).model,
    }
    named = " and ".join(f"the highest {metric} is that of {model}" for metric, model in highest.items())
    return f"Scatter chart of precision against {board.variety} for {len(found)} models on {board.task}: {named}."
