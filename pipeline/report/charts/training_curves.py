"""Training curves: the validation score against the optimiser step, one line for each seed.

A colour for each family; models of one family differ by their dashes, and each is named at the end of its first line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import altair as alt
import numpy as np

from pipeline.paths import Cell
from pipeline.report import style
from pipeline.report.charts import label_placement, scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.report.charts.label_placement import Marker
from pipeline.report.charts.scatter import ChartAxis
from pipeline.report.leaderboard import Board, Standing
from pipeline.results import curve
from pipeline.results.column import column

HEIGHT = 260
HEAD = ("model", "seed", "score", "first", "highest", "last", "steps")
MOST = 24
"""Points of a line: more would not be visible."""
HIDDEN = 0.1
"""Share of all scores that may leave the frame at either end: the first ones, far worse, would flatten the others."""


ROOM = 1.35
"""Width of the frame over the longest curve: names stand at the ends of the curves."""


class CurveOfSeed(NamedTuple):
    """The validation scores of one seed."""

    standing: Standing
    cell: Cell
    part: str
    steps: list[int]
    scores: list[float]


def draw(board: Board, models: Collection[str] | None = None) -> Chart | None:
    """The curves of some models, or of all; None where none has a validation score."""
    found = [line for line in lines(board) if models is None or line.standing.model in models]
    parts = list(dict.fromkeys(line.part for line in found))
    if not parts:
        return None
    panels = [_panel(part, [line for line in found if line.part == part]) for part in parts]
    titles = " and ".join(column(part).title for part in parts)
    return Chart(
        key=f"curves-{board.suite}-{board.task}",
        title=f"Training on {board.task}: validation score by step, a line for each seed",
        alt=f"Line charts of the validation {titles} of {len(found)} trainings on {board.task}, by optimiser step.",
        spec=theme.spec(alt.hconcat(*panels)),
        table=ChartTable(HEAD, [_row(line) for line in found]),
        legend=[(family, family) for family in style.in_order(line.standing.family for line in found)],
    )


def lines(board: Board) -> list[CurveOfSeed]:
    """Those of each seed of each model that has a validation score and was trained in this folder."""
    return [line for s in board.standings if s.role == "model" for cell in s.here for line in _lines(s, cell)]


def _lines(standing: Standing, cell: Cell) -> Iterator[CurveOfSeed]:
    rows = [row for row in curve.read(cell) if row.player == "validation"]
    for part in dict.fromkeys(row.part for row in rows):
        points = [(r.step, r.value) for r in rows if r.part == part and theme.drawable(r.value)]
        if points:
            yield CurveOfSeed(standing, cell, part, [step for step, _ in points], [score for _, score in points])


def _panel(part: str, found: Sequence[CurveOfSeed]) -> alt.LayerChart:
    low, high = np.quantile([score for line in found for score in line.scores], [HIDDEN, 1 - HIDDEN])
    room = 0.25 * float(high - low) or 1.0
    steps = [line.steps[-1] for line in found]
    x = ChartAxis("optimiser step", 0.0, ROOM * max(steps) or 1.0)
    y = ChartAxis(
        f"validation {column(part).title}, nats per item", float(low - room), float(high + room), length=HEIGHT
    )
    dashes = style.dashes((line.standing.model, line.standing.family) for line in found)
    rows = [
        {"model": line.standing.model, "colour": theme.colour(line.standing.family), "seed": line.cell.seed,
         "step": step, "score": theme.rounded(score), "dash": dashes[line.standing.model]}
        for line in found for step, score in _thinned(line)
    ]  # fmt: skip
    drawn = alt.Chart(theme.data(rows)).mark_line(strokeWidth=1.4, opacity=0.75, clip=True)
    chart = drawn.encode(
        alt.X(**x.channel("step")), alt.Y(**y.channel("score")), alt.Color("colour:N", scale=None),
        alt.StrokeDash("dash:N", scale=None), detail=["model:N", "seed:N"],
        tooltip=["model:N", "seed:N", "step:Q", "score:Q"],
    )  # fmt: skip
    return scatter.layered([chart, *_names(found, x, y)], x.length, HEIGHT)


def _names(found: Sequence[CurveOfSeed], x: ChartAxis, y: ChartAxis) -> Iterator[alt.Chart]:
    """Each model once, at the last visible point of its first seed."""
    ends: dict[str, Marker] = {}
    corners = []
    for line in found:
        seen = [(x.position(step), HEIGHT - y.position(score)) for step, score in _thinned(line) if y.holds(score)]
        corners.append(seen)
        if seen:
            ends.setdefault(line.standing.model, Marker(line.standing.model, *seen[-1]))
    return scatter.names(label_placement.place(list(ends.values()), x.length, HEIGHT, lines=corners))


def _thinned(line: CurveOfSeed) -> list[tuple[int, float]]:
    """With its first and its last point."""
    points = list(zip(line.steps, line.scores, strict=True))
    if len(points) <= MOST:
        return points
    return [points[place] for place in np.linspace(0, len(points) - 1, MOST).round().astype(int)]


def _row(line: CurveOfSeed) -> tuple[str, ...]:
    text, scores = column(line.part).text, line.scores
    first, highest, last = map(text, (scores[0], max(scores), scores[-1]))
    model, seed = line.standing.model, str(line.cell.seed)
    return model, seed, column(line.part).title, first, highest, last, f"{line.steps[-1]:,}"
