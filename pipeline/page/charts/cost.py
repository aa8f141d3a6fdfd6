"""What quality costs: the likelihood against the parameters, the distance of the samples against their seconds."""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt

from pipeline.page.charts import marks, theme
from pipeline.page.charts.chart import Chart, Table
from pipeline.page.charts.marks import Axis, Spot
from pipeline.report import tabular
from pipeline.report.board import Board
from pipeline.results.column import DASH, column

SIZE, SAMPLE = "parameters", "sample_seconds_per_1000"
TITLES = {SIZE: "parameters", SAMPLE: "seconds for 1,000 samples"}
LENGTH = 330
FEWEST = 2
"""Models that are worth a panel."""


def draw(board: Board) -> Chart | None:
    """None where no two models can be compared."""
    pairs = [pair for pair in _pairs(board) if len(_spots(board, *pair)) >= FEWEST]
    if not pairs:
        return None
    panels = [_panel(board, x, y) for x, y in pairs]
    quality = [metric for metric in (board.likelihood, "frechet") if metric in board.protocols]
    metrics = [*filter(None, quality), *tabular.metrics(board, "cost")]
    return Chart(
        key=f"cost-{board.suite}-{board.task}",
        title=f"Quality against cost on {board.task}",
        alt=f"Scatter charts for {board.task}: {'; '.join(f'{_title(y)} against {_title(x)}' for x, y in pairs)}.",
        spec=theme.spec(alt.hconcat(*panels)),
        table=Table(("model", "family", *map(_title, metrics)), list(_rows(board, metrics))),
        legend=theme.key(spot.family for pair in pairs for spot in _spots(board, *pair)),
        wide=True,
    )


def _pairs(board: Board) -> Iterator[tuple[str, str]]:
    if board.likelihood:
        yield SIZE, board.likelihood
    if "frechet" in board.protocols:
        yield SAMPLE, "frechet"


def _spots(board: Board, x: str, y: str) -> list[Spot]:
    """Without bars: those of seconds are the machine's."""
    found = marks.spots([s for s in board.standings if not s.control], x, y)
    bare = [spot._replace(x=spot.x._replace(low=None, high=None)) for spot in found]
    return [spot for spot in bare if spot.x.mean > 0 and (not _log(y) or spot.y.mean > 0)]


def _panel(board: Board, x: str, y: str) -> alt.LayerChart:
    spots = _spots(board, x, y)
    across = Axis.around(_title(x), [spot.x.mean for spot in spots], log=True, length=LENGTH)
    down = Axis.around(
        f"{_title(y)}, {board.better(y)} is better", [spot.y.mean for spot in spots], log=_log(y), length=LENGTH
    )
    return marks.layered(marks.layers(spots, across, down, bars=False), LENGTH, LENGTH)


def _log(metric: str) -> bool:
    return metric in TITLES or column(metric).log


def _title(metric: str) -> str:
    return TITLES.get(metric, column(metric).title)


def _rows(board: Board, metrics: list[str]) -> Iterator[list[str]]:
    for s in board.standings:
        if not s.control:
            cells = (column(m).text(s.scores[m].interval.mean) if m in s.scores else DASH for m in metrics)
            yield [s.model, s.family, *cells]
