"""The plane of precision against recall, or against coverage where recall is blind.

Each model stands there with its training interval, and with the curve of its knob.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from pipeline.page.charts import marks, theme
from pipeline.page.charts.chart import Chart, Table
from pipeline.page.charts.marks import Axis, Spot
from pipeline.report.board import Board, Standing
from pipeline.results.column import column

TITLES = {
    "recall": "share of held-out data near samples",
    "coverage": "share of held-out data with a sample near",
    "precision": "share of samples near held-out data",
}


def draw(board: Board) -> Chart | None:
    """None where no model has both numbers."""
    variety = board.variety
    spots = marks.spots(board.standings, variety, "precision")
    if not spots:
        return None
    x, y = (Axis(_title(board, metric), -0.02, 1.02) for metric in (variety, "precision"))
    head = ("model", "family", variety, "precision", f"curve of its knob: setting ({variety}, precision)")
    layers = [*_ways(board, x, y), *marks.layers(spots, x, y)]
    return Chart(
        key=f"plane-{board.suite}-{board.task}",
        title=f"Covering or seeking on {board.task}: bars are 95 % training intervals, lines the ways of the knobs",
        alt=_alt(board, spots),
        spec=theme.spec(marks.layered(layers, x.length, y.length)),
        table=Table(head, [_row(board, *row) for row in marks.rows(spots, column(variety), column("precision"))]),
        legend=theme.key(spot.family for spot in spots),
    )


def _title(board: Board, metric: str) -> str:
    name = f"{metric} (blind)" if metric in board.blind else metric
    return f"{name}: {TITLES[metric]}"


def _curve(board: Board, standing: Standing) -> list[tuple[float, float, float]]:
    """Setting, variety and precision, as far as they were measured."""
    steps = ((step.setting, getattr(step, board.variety), step.precision) for step in standing.curve)
    return [step for step in steps if step[1] is not None]


def _ways(board: Board, x: Axis, y: Axis) -> list[alt.Chart]:
    rows = [
        {"model": s.model, "colour": theme.colour(s.family), "x": round(variety, 4), "y": round(precision, 4),
         "setting": setting}
        for s in board.standings for setting, variety, precision in _curve(board, s)
        if theme.drawable(variety, precision, setting)
    ]  # fmt: skip
    if not rows:
        return []
    line = alt.Chart(theme.data(rows)).mark_line(strokeWidth=1.2, opacity=0.55)
    hue = alt.Color("colour:N", scale=None)
    channels = alt.X(**x.channel("x")), alt.Y(**y.channel("y"))
    return [line.encode(*channels, hue, detail="model:N", order="setting:Q")]


def _row(board: Board, model: str, *cells: str) -> tuple[str, ...]:
    standing = next(s for s in board.standings if s.model == model)
    way = "; ".join(f"{setting:g} ({x:.2f}, {y:.2f})" for setting, x, y in _curve(board, standing))
    return model, *cells, way or "—"


def _alt(board: Board, spots: Sequence[Spot]) -> str:
    models = [spot for spot in spots if spot.family != "control"] or list(spots)
    highest = {
        board.variety: max(models, key=lambda spot: spot.x.mean).model,
        "precision": max(models, key=lambda spot: spot.y.mean).model,
    }
    named = " and ".join(f"the highest {metric} is that of {model}" for metric, model in highest.items())
    return f"Scatter chart of precision against {board.variety} for {len(spots)} models on {board.task}: {named}."
