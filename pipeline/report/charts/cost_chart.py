"""Quality against cost: likelihood against parameters, Fréchet distance against sampling time, and both times.

Lines join the widths of one model; on the dotted line a sample takes as long as a likelihood. Seconds are for 1,000
items, those of a bound with all of its draws, and have no bars: they are the machine's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import altair as alt

from pipeline.report import style, tables
from pipeline.report.charts import scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.report.charts.scatter import ChartAxis, ModelPoint
from pipeline.report.leaderboard import Board, Standing
from pipeline.results.column import DASH, column
from pipeline.results.table import base

SIZE, SAMPLE, EVALUATE = "parameters", "sample_seconds_per_1000", "likelihood_seconds_per_1000"
TITLES = {SIZE: "parameters", SAMPLE: "seconds for 1,000 samples", EVALUATE: "seconds for 1,000 likelihoods"}
LENGTH = 300
FEWEST = 2
"""Models that are worth a panel."""


class CostPanel(NamedTuple):
    """`x`, `y`: metrics."""

    x: str
    y: str
    points: list[ModelPoint]


def draw(board: Board) -> Chart | None:
    """None where no two models can be compared."""
    panels = [panel for panel in _panels(board) if len(panel.points) >= FEWEST]
    if not panels:
        return None
    quality = [metric for metric in (board.likelihood, "frechet") if metric in board.protocols]
    metrics = [*filter(None, quality), *tables.metrics(board, "cost")]
    shown = "; ".join(f"{_title(panel.y)} against {_title(panel.x)}" for panel in panels)
    families = style.in_order(point.family for panel in panels for point in panel.points)
    return Chart(
        key=f"cost-{board.suite}-{board.task}",
        title=f"Quality against cost on {board.task}",
        alt=f"Scatter charts for {board.task}: {shown}.",
        spec=theme.spec(alt.hconcat(*(_draw(board, panel) for panel in panels))),
        table=ChartTable(("model", "family", *map(_title, metrics)), list(_rows(board, metrics))),
        legend=[(family, family) for family in families],
        wide=True,
    )


def _panels(board: Board) -> Iterator[CostPanel]:
    models = [s for s in board.standings if s.role == "model"]
    if board.likelihood:
        yield CostPanel(SIZE, board.likelihood, _points(models, SIZE, board.likelihood))
    if "frechet" in board.protocols:
        yield CostPanel(SAMPLE, "frechet", _points(models, SAMPLE, "frechet"))
    wide = [s for s in models if base(s.model) == s.model]
    yield CostPanel(EVALUATE, SAMPLE, _points(wide, EVALUATE, SAMPLE))


def _points(standings: Sequence[Standing], x: str, y: str) -> list[ModelPoint]:
    bare = [p._replace(x=p.x._replace(low=None, high=None)) for p in scatter.points(standings, x, y)]
    return [point for point in bare if point.x.mean > 0 and (not _log(y) or point.y.mean > 0)]


def _draw(board: Board, panel: CostPanel) -> alt.LayerChart:
    better = "" if panel.y == SAMPLE else f", {board.better(panel.y)} is better"
    x = ChartAxis.around(_title(panel.x), [point.x.mean for point in panel.points], log=True, length=LENGTH)
    values = [point.y.mean for point in panel.points]
    y = ChartAxis.around(_title(panel.y) + better, values, log=_log(panel.y), length=LENGTH)
    lines = _widths(panel.points, x, y) if panel.x == SIZE else _equal(x, y) if panel.x == EVALUATE else []
    return scatter.layered([*lines, *scatter.layers(panel.points, x, y, bars=False)], LENGTH, LENGTH)


def _widths(found: Sequence[ModelPoint], x: ChartAxis, y: ChartAxis) -> list[alt.Chart]:
    """Through the widths of each model that has several."""
    names = [base(point.model) for point in found]
    rows = [
        {"model": name, "colour": theme.colour(point.family), "x": theme.rounded(point.x.mean),
         "y": theme.rounded(point.y.mean)}
        for name, point in zip(names, found, strict=True) if names.count(name) > 1
    ]  # fmt: skip
    return [scatter.line(rows, x, y, "x")] if rows else []


def _equal(x: ChartAxis, y: ChartAxis) -> list[alt.Chart]:
    """Where both times are equal, within the panel."""
    low, high = max(x.low, y.low), min(x.high, y.high)
    ends = [
        {"model": "equal", "colour": theme.INK, "x": e, "y": e, "dash": [1, 3]} for e in map(theme.rounded, (low, high))
    ]
    return [scatter.line(ends, x, y, "x", opacity=0.5, dash=True)] if low < high else []


def _log(metric: str) -> bool:
    return metric in TITLES or column(metric).log


def _title(metric: str) -> str:
    return TITLES.get(metric, column(metric).title)


def _rows(board: Board, metrics: list[str]) -> Iterator[list[str]]:
    for s in board.standings:
        if not s.control:
            cells = (column(m).text(s.scores[m].interval.mean) if m in s.scores else DASH for m in metrics)
            yield [s.model, s.family, *cells]
