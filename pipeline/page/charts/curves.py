"""Training curves: the validation score against the optimiser step, one line a seed, coloured by family."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import altair as alt
import numpy as np

from pipeline.page.charts import theme
from pipeline.page.charts.chart import Chart, Table
from pipeline.report.board import Board
from pipeline.report.curves import HIDDEN, Line, lines
from pipeline.results.column import column

HEIGHT = 260
HEAD = ("model", "seed", "score", "first", "highest", "last", "steps")
MOST = 24
"""Points of a line: more would not be seen."""


def draw(board: Board, models: Collection[str]) -> Chart | None:
    """Of these models; None where none has a validation score."""
    shown = (_drawable(line) for line in lines(board) if line.standing.model in models)
    found = [line for line in shown if line.steps]
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
        table=Table(HEAD, [_row(line) for line in found]),
        legend=theme.key(line.standing.family for line in found),
    )


def _panel(part: str, found: Sequence[Line]) -> alt.Chart:
    low, high = np.quantile([score for line in found for score in line.scores], [HIDDEN, 1 - HIDDEN])
    room = 0.25 * float(high - low) or 1.0
    rows = [
        {"model": line.standing.model, "colour": theme.colour(line.standing.family), "seed": line.cell.seed,
         "step": step, "score": float(f"{score:.5g}")}
        for line in found for step, score in _thinned(line)
    ]  # fmt: skip
    drawn = alt.Chart(theme.data(rows)).mark_line(strokeWidth=1.4, opacity=0.75, clip=True)
    title, domain = f"validation {column(part).title}, nats per item", [float(low - room), float(high + room)]
    return drawn.encode(
        alt.X(**theme.axis("step", "optimiser step")),
        alt.Y(**theme.axis("score", title, domain=domain)),
        alt.Color("colour:N", scale=None),
        detail=["model:N", "seed:N"],
        tooltip=["model:N", "seed:N", "step:Q", "score:Q"],
    ).properties(width=theme.WIDTH, height=HEIGHT)  # fmt: skip


def _drawable(line: Line) -> Line:
    """Without the points that no axis can show."""
    points = [point for point in zip(line.steps, line.scores, strict=True) if theme.drawable(point[1])]
    return line._replace(steps=[step for step, _ in points], scores=[score for _, score in points])


def _thinned(line: Line) -> list[tuple[int, float]]:
    """With its first and its last point."""
    points = list(zip(line.steps, line.scores, strict=True))
    if len(points) <= MOST:
        return points
    return [points[place] for place in np.linspace(0, len(points) - 1, MOST).round().astype(int)]


def _row(line: Line) -> tuple[str, ...]:
    text, scores = column(line.part).text, line.scores
    first, highest, last = map(text, (scores[0], max(scores), scores[-1]))
    model, seed = line.standing.model, str(line.cell.seed)
    return model, seed, column(line.part).title, first, highest, last, f"{line.steps[-1]:,}"
