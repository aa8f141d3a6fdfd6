"""The plane of precision against recall: each model with its training interval, and its way as its knob turns."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from pipeline.page.charts import marks, theme
from pipeline.page.charts.chart import Chart, Table
from pipeline.page.charts.marks import Axis, Spot
from pipeline.report.board import Board, Standing
from pipeline.report.column import column

RECALL = "recall: share of held-out data near samples"
PRECISION = "precision: share of samples near held-out data"
HEAD = ("model", "family", "recall", "precision", "its knob's way: setting (recall, precision)")


def draw(board: Board) -> Chart | None:
    """None where no model has both numbers."""
    spots = marks.spots(board.standings, "recall", "precision")
    if not spots:
        return None
    x, y = (Axis(title, -0.02, 1.02) for title in (RECALL, PRECISION))
    layers = [*_ways(board.standings, x, y), *marks.layers(spots, x, y)]
    return Chart(
        key=f"plane-{board.suite}-{board.task}",
        title=f"Covering or seeking on {board.task}: bars are 95 % training intervals, lines the ways of the knobs",
        alt=_alt(board.task, spots),
        spec=theme.spec(marks.layered(layers, x.length, y.length)),
        table=Table(HEAD, [_row(board, *row) for row in marks.rows(spots, column("recall"), column("precision"))]),
        legend=theme.key(spot.family for spot in spots),
    )


def _ways(standings: Sequence[Standing], x: Axis, y: Axis) -> list[alt.Chart]:
    rows = [
        {"model": s.model, "colour": theme.colour(s.family), "x": round(step.recall, 4), "y": round(step.precision, 4),
         "setting": step.setting}
        for s in standings for step in s.curve if theme.drawable(step.recall, step.precision, step.setting)
    ]  # fmt: skip
    if not rows:
        return []
    line = alt.Chart(theme.data(rows)).mark_line(strokeWidth=1.2, opacity=0.55)
    hue = alt.Color("colour:N", scale=None)
    channels = alt.X(**x.channel("x")), alt.Y(**y.channel("y"))
    return [line.encode(*channels, hue, detail="model:N", order="setting:Q")]


def _row(board: Board, model: str, *cells: str) -> tuple[str, ...]:
    curve = next(s.curve for s in board.standings if s.model == model)
    way = "; ".join(f"{step.setting:g} ({step.recall:.2f}, {step.precision:.2f})" for step in curve)
    return model, *cells, way or "—"


def _alt(task: str, spots: Sequence[Spot]) -> str:
    models = [spot for spot in spots if spot.family != "control"] or list(spots)
    highest = {
        "recall": max(models, key=lambda spot: spot.x.mean).model,
        "precision": max(models, key=lambda spot: spot.y.mean).model,
    }
    named = " and ".join(f"the highest {metric} is that of {model}" for metric, model in highest.items())
    return f"Scatter chart of precision against recall for {len(spots)} models on {task}: {named}."
