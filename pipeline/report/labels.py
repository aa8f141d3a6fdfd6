"""Names beside markers: each takes the nearest spot where it hides least."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from pipeline.report import style
from pipeline.statistics.intervals import Interval

OFFSETS = [
    (reach * math.cos(angle) * 1.8, reach * math.sin(angle))
    for reach in (16, 24, 36, 52, 72)
    for angle in (k * math.pi / 8 for k in (1, -1, 7, -7, 0, 8, 3, -3, 5, -5, 4, -4))
]
"""Where a label's centre may stand, pixels from its marker, nearest first; wider than high, as words are."""


class Spot(NamedTuple):
    """A marker with error bars, in the data's coordinates. Controls are hollow and grey."""

    name: str
    family: str
    x: Interval
    y: Interval

    @property
    def control(self) -> bool:
        return self.family == "control"


def mark(axis: Axes, spot: Spot) -> None:
    colour, marker = style.look(spot.family)
    axis.errorbar(
        spot.x.mean, spot.y.mean, xerr=_arms(spot.x), yerr=_arms(spot.y), fmt=marker, markersize=7, color=colour,
        markerfacecolor="none" if spot.control else colour, elinewidth=1, capsize=0, zorder=2 if spot.control else 3,
    )  # fmt: skip


def label(axis: Axes, spots: Sequence[Spot], named: Sequence[Spot]) -> None:
    """Names some of the spots; a hidden marker or label is worse than a hidden error bar. The figure's layout has to be
    settled: only then do the boxes lie where they will be drawn."""
    solid = [_box(axis, spot, spread=False) for spot in spots]
    bars = [_box(axis, spot, spread=True) for spot in spots]
    frame = axis.get_window_extent()
    for spot in named:
        text = _annotate(axis, spot)
        size = text.get_window_extent()
        places = [(_moved(axis, spot, size, offset), offset) for offset in OFFSETS]
        costs = [_cost(box, solid, bars, frame) for box, _ in places]
        box, offset = places[costs.index(min(costs))]
        text.set_position(offset)
        solid.append(box)


def _arms(interval: Interval) -> list[list[float]] | None:
    if interval.low is None or interval.high is None:
        return None
    return [[interval.mean - interval.low], [interval.high - interval.mean]]


def _annotate(axis: Axes, spot: Spot) -> Annotation:
    return axis.annotate(
        spot.name, (spot.x.mean, spot.y.mean), (0, 0), textcoords="offset pixels",
        ha="center", va="center", fontsize=8, color=style.look("control").colour if spot.control else style.INK,
        arrowprops={"arrowstyle": "-", "color": "#aaaaaa", "lw": 0.5, "shrinkA": 0, "shrinkB": 3}, zorder=4,
    )  # fmt: skip


def _moved(axis: Axes, spot: Spot, size: Bbox, offset: tuple[float, float]) -> Bbox:
    x, y = axis.transData.transform((spot.x.mean, spot.y.mean)) + offset
    return Bbox.from_bounds(x - size.width / 2, y - size.height / 2, size.width, size.height)


def _box(axis: Axes, spot: Spot, spread: bool) -> Bbox:
    """Pixels of a marker, or of the rectangle that its error bars span."""
    x, y = spot.x, spot.y
    low = (x.low, y.low) if spread and x.low is not None and y.low is not None else (x.mean, y.mean)
    high = (x.high, y.high) if spread and x.high is not None and y.high is not None else (x.mean, y.mean)
    return Bbox([axis.transData.transform(low) - 5, axis.transData.transform(high) + 5])


def _cost(box: Bbox, solid: list[Bbox], bars: list[Bbox], frame: Bbox) -> float:
    inside = frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)
    return 4 * sum(map(box.overlaps, solid)) + sum(map(box.overlaps, bars)) + 9 * (not inside)
