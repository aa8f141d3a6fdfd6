"""Families at equal cost: quality against seconds and operations of training, operations of a sample, and parameters.

A curve for each model that has sizes: solid through its numbers of training steps, dashed through its widths. Two
families compare where their curves stand above one another: they cost the same there. Steps change neither parameters
nor the operations of a sample, so that these panels have the widths alone. Bars: the 95 % t interval of the quality
over seeds. Every point is a training of its own, with the learning rate decayed over its own steps; none is selected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from pipeline.report import style
from pipeline.report.charts import scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.report.charts.scatter import ChartAxis, ModelPoint
from pipeline.report.leaderboard import Board
from pipeline.results import size_series
from pipeline.results.column import DASH, column
from pipeline.results.size_series import Size, SizeSeries

COSTS: Mapping[str, tuple[Size, ...]] = {
    "train_seconds": ("steps", "width"),
    "train_flops": ("steps", "width"),
    "sample_flops": ("width",),
    "parameters": ("width",),
}
"""Metric -> the sizes that it depends on."""
TITLES = {
    "train_seconds": "seconds of training",
    "train_flops": "FLOPs of training",
    "sample_flops": "FLOPs of a sample",
    "parameters": "parameters",
}
QUALITIES = ("nats", "bits_per_dim", "frechet", "precision", "coverage")
DASHES: Mapping[Size, list[int]] = {"steps": [1, 0], "width": [5, 3]}
WIDTH, HEIGHT = 230, 190


class MatchedPanel(NamedTuple):
    """`x`, `y`: metrics."""

    x: str
    y: str
    points: list[ModelPoint]
    series: list[SizeSeries]


def draw(board: Board) -> Chart | None:
    """None of a board without two sizes of one model."""
    rows = [panels for panels in (_row_of(board, y) for y in QUALITIES) if panels]
    if not rows:
        return None
    families = style.in_order(point.family for panels in rows for panel in panels for point in panel.points)
    shown = ", ".join(column(panels[0].y).title for panels in rows)
    return Chart(
        key=f"matched-{board.suite}-{board.task}",
        title=f"Quality at equal cost on {board.task}: solid lines through numbers of training steps, dashed through "
        "widths",
        alt=f"Line charts of {shown} on {board.task} against {', '.join(TITLES.values())} of {', '.join(families)}.",
        spec=theme.spec(alt.vconcat(*(alt.hconcat(*(_draw(board, panel) for panel in panels)) for panels in rows))),
        table=_table(board),
        legend=[(family, family) for family in families],
        wide=True,
    )


def _row_of(board: Board, y: str) -> list[MatchedPanel]:
    """The panels of one measure of quality, one for each cost."""
    if y not in board.protocols:
        return []
    panels = (_panel(board, x, y) for x in COSTS)
    return [panel for panel in panels if panel.points]


def _panel(board: Board, x: str, y: str) -> MatchedPanel:
    found = {
        point.model: point._replace(x=point.x._replace(low=None, high=None))
        for point in scatter.points([s for s in board.standings if s.role == "model"], x, y)
        if point.x.mean > 0 and (point.y.mean > 0 or not column(y).log)
    }
    series = [one for one in size_series.series(found) if one.size in COSTS[x]]
    names = dict.fromkeys(name for one in series for name in one.models)
    return MatchedPanel(x, y, [found[name] for name in names], series)


def _draw(board: Board, panel: MatchedPanel) -> alt.LayerChart:
    blind = " (blind)" if panel.y in board.blind else ""
    title = f"{column(panel.y).title}{blind}, {board.better(panel.y)} is better"
    x = ChartAxis.around(TITLES[panel.x], [p.x.mean for p in panel.points], log=True, length=WIDTH)
    y = ChartAxis.around(title, [p.y.mean for p in panel.points], log=column(panel.y).log, length=HEIGHT)
    lines = scatter.line(_corners(panel), x, y, "place", opacity=0.8, dash=True)
    return scatter.layered([lines, *scatter.layers(panel.points, x, y, named=())], WIDTH, HEIGHT)


def _corners(panel: MatchedPanel) -> list[dict[str, Any]]:
    """Of each line, from small to large."""
    found = {point.model: point for point in panel.points}
    return [
        {"model": f"{one.model}, {one.size}", "colour": theme.colour(found[name].family), "dash": DASHES[one.size],
         "place": place, "x": theme.rounded(found[name].x.mean), "y": theme.rounded(found[name].y.mean)}
        for one in panel.series for place, name in enumerate(one.models)
    ]  # fmt: skip


def _table(board: Board) -> ChartTable:
    metrics = [metric for metric in (*COSTS, *QUALITIES) if metric in board.protocols]
    heads = ("model", "family", *(TITLES.get(metric, column(metric).title) for metric in metrics))
    return ChartTable(heads, list(_rows(board, metrics)))


def _rows(board: Board, metrics: Sequence[str]) -> Iterator[list[str]]:
    models = [s.model for s in board.standings if s.role == "model"]
    sized = {name for one in size_series.series(models) for name in one.models}
    for s in board.standings:
        if s.model in sized:
            cells = (scatter.words(s.scores[m].interval, column(m).text) if m in s.scores else DASH for m in metrics)
            yield [s.model, s.family, *cells]
