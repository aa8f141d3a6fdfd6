"""Covering or seeking, in one plane: recall across, precision up (Kynkäänniemi et al. 2019, arXiv:1904.06991).

Where recall is blind, since it does not tell the controls apart, coverage (Naeem et al. 2020, arXiv:2002.09797) takes
its place; a metric that is blind all the same is named so on its axis.

A model that covers lies to the right, one that seeks lies at the top left. Error bars: the 95 % t interval over seeds.
A line is the way of a model as its knob turns, temperature, truncation or guidance; the dot is its lowest setting.
Controls are hollow and grey: where the truth, copying, one mode and noise fall. Where too many rows stand close
together to be named, a second plane shows that corner larger; a row is named once, where it has the most room.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report import style
from pipeline.report.board import Board, Standing
from pipeline.report.labels import Spot, label, mark

TITLES = {
    "recall": "share of held-out data inside the samples' k-NN balls",
    "coverage": "share of held-out data with a sample inside its k-NN ball",
    "precision": "share of samples inside the data's k-NN balls",
}
CROWD = 20
"""Rows that one plane can name."""
LONELY = 0.25
"""Share of the rows that a larger corner leaves out to its left, and below."""


def draw(board: Board) -> Figure | None:
    """None where no row has both numbers."""
    spots = [
        Spot(s.model, s.family, s.scores[board.variety].interval, s.scores["precision"].interval)
        for s in board.standings
        if {board.variety, "precision"} <= s.scores.keys()
    ]
    if not spots:
        return None
    crowded = len(spots) > CROWD
    figure = style.sheet(5.2 * (1 + crowded), 5.2)
    axes: list[Axes] = [*figure.subplots(1, 1 + crowded, squeeze=False)[0]]
    axes[0].set(xlim=(-0.04, 1.06), ylim=(-0.04, 1.06), aspect="equal", title=board.task)
    if crowded:
        axes[1].set(**_corner(spots), title="the same, its crowded corner")
        axes[0].indicate_inset(bounds=_bounds(axes[1]), edgecolor=style.INK, alpha=0.4)
    for axis in axes:
        _plane(axis, spots, board)
    figure.draw_without_rendering()
    inner = [spot for spot in spots if crowded and _within(axes[1], spot)]
    label(axes[0], spots, [spot for spot in spots if spot not in inner])
    if crowded:
        label(axes[1], inner, inner)
    return figure


def _corner(spots: Sequence[Spot]) -> dict[str, tuple[float, float]]:
    """The limits of the plane where most rows stand."""
    limits = {}
    for name, values in (("xlim", [spot.x.mean for spot in spots]), ("ylim", [spot.y.mean for spot in spots])):
        low, high = float(np.quantile(values, LONELY)), max(values)
        limits[name] = (low - 0.15 * (high - low), high + 0.15 * (high - low))
    return limits


def _bounds(axis: Axes) -> tuple[float, float, float, float]:
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    return left, bottom, right - left, top - bottom


def _within(axis: Axes, spot: Spot) -> bool:
    left, bottom, width, height = _bounds(axis)
    return 0 < spot.x.mean - left < width and 0 < spot.y.mean - bottom < height


def _plane(axis: Axes, spots: Sequence[Spot], board: Board) -> None:
    axis.set(xlabel=_title(board, board.variety), ylabel=_title(board, "precision"))
    axis.grid(color="#eeeeee")
    axis.set_axisbelow(True)
    for standing in board.standings:
        _turn(axis, standing, board.variety)
    for spot in spots:
        mark(axis, spot)


def _title(board: Board, metric: str) -> str:
    name = f"{metric} (blind)" if metric in board.blind else metric
    return f"{name}: {TITLES[metric]}"


def _turn(axis: Axes, standing: Standing, variety: str) -> None:
    """The curve of its knob."""
    steps = [(getattr(step, variety), step.precision) for step in standing.curve]
    if steps and None not in (x for x, _ in steps):
        colour = style.look(standing.family).colour
        x, y = zip(*steps, strict=True)
        axis.plot(x, y, color=colour, lw=1, alpha=0.6, zorder=1)
        axis.plot(x[:1], y[:1], color=colour, marker=".", markersize=5, alpha=0.8, zorder=1)
