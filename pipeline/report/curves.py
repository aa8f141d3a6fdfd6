"""Training curves: the validation score against the optimiser step, a line for each seed, a colour for each family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.paths import Cell
from pipeline.report import style
from pipeline.report.board import Board, Standing
from pipeline.results import curve
from pipeline.results.column import column

HIDDEN = 0.1
"""Share of all scores that may leave the frame at either end: the first ones, far worse, would flatten the others."""


class Line(NamedTuple):
    """The validation scores of one seed."""

    standing: Standing
    cell: Cell
    part: str
    steps: list[int]
    scores: list[float]


def draw(board: Board) -> Figure | None:
    """One axis for each validation score of the task; None where no model has one."""
    found = lines(board)
    parts = list(dict.fromkeys(line.part for line in found))
    if not parts:
        return None
    figure = style.sheet(5.6 * len(parts), 3.8)
    for axis, part in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        _plot(axis, [line for line in found if line.part == part])
        axis.set(title=board.task, xlabel="optimiser step", ylabel=f"validation {column(part).title}")
        axis.legend(fontsize=8)
    return figure


def lines(board: Board) -> list[Line]:
    """Of each seed of each model that has a validation score."""
    return [line for s in board.standings if s.role == "model" for cell in s.cells for line in _lines(s, cell)]


def _lines(standing: Standing, cell: Cell) -> Iterator[Line]:
    rows = [(row.part, row.step, row.value) for row in curve.read(cell) if row.player == "validation"]
    for part in dict.fromkeys(part for part, _, _ in rows):
        points = [(step, score) for name, step, score in rows if name == part and math.isfinite(score)]
        if points:
            yield Line(standing, cell, part, [step for step, _ in points], [score for _, score in points])


def _plot(axis: Axes, lines: Sequence[Line]) -> None:
    dashes = style.dashes((line.standing.model, line.standing.family) for line in lines)
    named: set[str] = set()
    for line in lines:
        model = line.standing.model
        colour, marker = style.look(line.standing.family)
        axis.plot(
            line.steps, line.scores, dashes[model], color=colour, marker=marker, markersize=3, lw=1.2, alpha=0.8,
            label=model if model not in named else None,
        )  # fmt: skip
        named.add(model)
    low, high = np.quantile([score for line in lines for score in line.scores], [HIDDEN, 1 - HIDDEN])
    margin = 0.25 * (high - low) or 1.0
    axis.set_ylim(low - margin, high + margin)
    axis.grid(color="#eeeeee")
