"""Covering or seeking, in one plane: recall across, precision up (Kynkäänniemi et al. 2019, arXiv:1904.06991).

A model that covers lies to the right, one that seeks lies at the top left. Error bars: the 95 % t interval over seeds.
A line is the way of a model as its knob turns, temperature, truncation or guidance; the dot is its lowest setting.
Controls are hollow and grey: where the truth, copying, one mode and noise fall. Where too many rows stand close
together to be named, a second plane shows that corner larger; a row is named once, where it has the most room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from pipeline.metrics.interval import Interval
from pipeline.report import style
from pipeline.report.board import Board, Standing

OFFSETS = [
    (reach * math.cos(angle) * 1.8, reach * math.sin(angle))
    for reach in (16, 24, 36, 52, 72)
    for angle in (k * math.pi / 8 for k in (1, -1, 7, -7, 0, 8, 3, -3, 5, -5, 4, -4))
]
"""Where a label's centre may stand, pixels from its marker, nearest first; wider than high, as words are."""

CROWD = 20
"""Rows that one plane can name."""
LONELY = 0.25
"""Share of the rows that a larger corner leaves out to its left, and below."""


class Place(NamedTuple):
    standing: Standing
    recall: Interval
    precision: Interval


def draw(board: Board) -> Figure | None:
    """None where no row has both numbers."""
    places = [
        Place(s, s.scores["recall"].interval, s.scores["precision"].interval)
        for s in board.standings
        if {"recall", "precision"} <= s.scores.keys()
    ]
    if not places:
        return None
    crowded = len(places) > CROWD
    figure = style.sheet(5.2 * (1 + crowded), 5.2)
    axes: list[Axes] = [*figure.subplots(1, 1 + crowded, squeeze=False)[0]]
    axes[0].set(xlim=(-0.04, 1.06), ylim=(-0.04, 1.06), aspect="equal", title=board.task)
    if crowded:
        axes[1].set(**_corner(places), title="the same, its crowded corner")
        axes[0].indicate_inset(bounds=_bounds(axes[1]), edgecolor=style.INK, alpha=0.4)
    for axis in axes:
        _plane(axis, places)
    figure.draw_without_rendering()  # settles the layout: only then do the boxes lie where they will be drawn
    inner = [place for place in places if crowded and _within(axes[1], place)]
    _label(axes[0], places, [place for place in places if place not in inner])
    if crowded:
        _label(axes[1], inner, inner)
    return figure


def _corner(places: Sequence[Place]) -> dict[str, tuple[float, float]]:
    """The limits of the plane where most rows stand."""
    limits = {}
    for name, values in (
        ("xlim", [place.recall.mean for place in places]),
        ("ylim", [place.precision.mean for place in places]),
    ):
        low, high = float(np.quantile(values, LONELY)), max(values)
        limits[name] = (low - 0.15 * (high - low), high + 0.15 * (high - low))
    return limits


def _bounds(axis: Axes) -> tuple[float, float, float, float]:
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    return left, bottom, right - left, top - bottom


def _within(axis: Axes, place: Place) -> bool:
    left, bottom, width, height = _bounds(axis)
    return 0 < place.recall.mean - left < width and 0 < place.precision.mean - bottom < height


def _plane(axis: Axes, places: Sequence[Place]) -> None:
    axis.set(
        xlabel="recall: share of held-out data inside the samples' k-NN balls",
        ylabel="precision: share of samples inside the data's k-NN balls",
    )
    axis.grid(color="#eeeeee")
    axis.set_axisbelow(True)
    for place in places:
        _turn(axis, place.standing)
        _mark(axis, place)


def _turn(axis: Axes, standing: Standing) -> None:
    """The way of its knob."""
    if standing.curve:
        colour = style.look(standing.family).colour
        x, y = ([getattr(step, name) for step in standing.curve] for name in ("recall", "precision"))
        axis.plot(x, y, color=colour, lw=1, alpha=0.6, zorder=1)
        axis.plot(x[:1], y[:1], color=colour, marker=".", markersize=5, alpha=0.8, zorder=1)


def _mark(axis: Axes, place: Place) -> None:
    colour, marker = style.look(place.standing.family)
    face = "none" if place.standing.control else colour
    x, y = place.recall, place.precision
    axis.errorbar(
        x.mean, y.mean, xerr=_arms(x), yerr=_arms(y), fmt=marker, markersize=7, color=colour,
        markerfacecolor=face, elinewidth=1, capsize=0, zorder=2 if place.standing.control else 3,
    )  # fmt: skip


def _arms(interval: Interval) -> list[list[float]] | None:
    if interval.low is None or interval.high is None:
        return None
    return [[interval.mean - interval.low], [interval.high - interval.mean]]


def _label(axis: Axes, places: Sequence[Place], named: Sequence[Place]) -> None:
    """Each label takes the nearest spot where it hides least: a marker or a label is worse than an error bar."""
    solid = [_box(axis, place, spread=False) for place in places]
    bars = [_box(axis, place, spread=True) for place in places]
    frame = axis.get_window_extent()
    for place in named:
        label = _annotate(axis, place)
        size = label.get_window_extent()
        spots = [(_moved(axis, place, size, offset), offset) for offset in OFFSETS]
        costs = [_cost(box, solid, bars, frame) for box, _ in spots]
        box, offset = spots[costs.index(min(costs))]
        label.set_position(offset)
        solid.append(box)


def _annotate(axis: Axes, place: Place) -> Annotation:
    grey = place.standing.control
    return axis.annotate(
        place.standing.model, (place.recall.mean, place.precision.mean), (0, 0), textcoords="offset pixels",
        ha="center", va="center", fontsize=8, color=style.look("control").colour if grey else style.INK,
        arrowprops={"arrowstyle": "-", "color": "#aaaaaa", "lw": 0.5, "shrinkA": 0, "shrinkB": 3}, zorder=4,
    )  # fmt: skip


def _moved(axis: Axes, place: Place, size: Bbox, offset: tuple[float, float]) -> Bbox:
    x, y = axis.transData.transform((place.recall.mean, place.precision.mean)) + offset
    return Bbox.from_bounds(x - size.width / 2, y - size.height / 2, size.width, size.height)


def _box(axis: Axes, place: Place, spread: bool) -> Bbox:
    """Pixels of a marker, or of the rectangle that its error bars span."""
    x, y = place.recall, place.precision
    low = (x.low, y.low) if spread and x.low is not None and y.low is not None else (x.mean, y.mean)
    high = (x.high, y.high) if spread and x.high is not None and y.high is not None else (x.mean, y.mean)
    return Bbox([axis.transData.transform(low) - 5, axis.transData.transform(high) + 5])


def _cost(box: Bbox, solid: list[Bbox], bars: list[Bbox], frame: Bbox) -> float:
    inside = frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)
    return 4 * sum(map(box.overlaps, solid)) + sum(map(box.overlaps, bars)) + 9 * (not inside)
