"""Models as marks on two axes: a marker in the family's colour and shape, its bars, its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import altair as alt

from pipeline.page.charts import naming, theme
from pipeline.page.charts.naming import Name
from pipeline.report.board import Standing
from pipeline.results.column import Column
from pipeline.statistics.intervals import Interval

SIZE = 70


class Spot(NamedTuple):
    """One model at (x, y)."""

    model: str
    family: str
    x: Interval
    y: Interval


class Axis(NamedTuple):
    """One axis: what it measures, over what range, on which scale, how long in pixels."""

    title: str
    low: float
    high: float
    log: bool = False
    length: int = theme.WIDTH

    def channel(self, field: str) -> dict[str, Any]:
        return theme.axis(field, self.title, log=self.log, domain=[self.low, self.high])

    def at(self, value: float) -> float:
        """Pixels from the low end."""
        low, high, v = (math.log(e) if self.log else e for e in (self.low, self.high, value))
        return (v - low) / (high - low) * self.length

    def ends(self, interval: Interval) -> tuple[float, float]:
        """Of the interval, as far as the axis shows it; its mean twice where it has none."""
        low, high = (interval.mean if end is None else end for end in (interval.low, interval.high))
        return max(low, self.low), min(high, self.high)

    @classmethod
    def around(cls, title: str, values: Sequence[float], *, log: bool = False, length: int = theme.WIDTH) -> Axis:
        """With a tenth of the span to spare at either end."""
        low, high = min(values), max(values)
        if log:
            room = max((high / low) ** 0.12, 1.2)
            return cls(title, low / room, high * room, True, length)
        room = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(title, low - room, high + room, False, length)


def spots(standings: Sequence[Standing], x: str, y: str) -> list[Spot]:
    """Of those that have both metrics, with values that an axis can show; the tables have all."""
    found = (
        Spot(s.model, s.family, s.scores[x].interval, s.scores[y].interval)
        for s in standings
        if {x, y} <= s.scores.keys()
    )
    return [spot for spot in found if theme.drawable(spot.x.mean, spot.y.mean)]


def layered(charts: Sequence[alt.Chart], width: int, height: int) -> alt.LayerChart:
    """One on another, in the order given."""
    return alt.LayerChart(layer=list(charts), width=width, height=height)


def layers(found: Sequence[Spot], x: Axis, y: Axis, *, bars: bool = True) -> list[alt.Chart]:
    rows = [_row(spot, x, y) for spot in found]
    base = alt.Chart(theme.data(rows))
    across, down = x.channel("x"), y.channel("y")
    made = []
    if bars:
        rule, hue = base.mark_rule(opacity=0.55), alt.Color("colour:N", scale=None)
        made.append(rule.encode(alt.X(**across | {"field": "x0"}), alt.X2("x1"), alt.Y(**down), hue))
        made.append(rule.encode(alt.X(**across), alt.Y(**down | {"field": "y0"}), alt.Y2("y1"), hue))
    for control in (True, False):
        made.append(_points(base, control, across, down))
    return [*made, _names(found, x, y)]


def _points(base: alt.Chart, control: bool, x: dict[str, Any], y: dict[str, Any]) -> alt.Chart:
    """Controls are hollow."""
    points = base.mark_point(size=SIZE, filled=not control, opacity=1, strokeWidth=1.6 if control else alt.Undefined)
    return points.encode(
        alt.X(**x), alt.Y(**y), alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None),
        tooltip=[alt.Tooltip("model:N"), alt.Tooltip("xs:N", title=x["title"]), alt.Tooltip("ys:N", title=y["title"])],
    ).transform_filter(f"datum.control === {str(control).lower()}")  # fmt: skip


def _names(found: Sequence[Spot], x: Axis, y: Axis) -> alt.Chart:
    markers = [Name(spot.model, x.at(spot.x.mean), y.length - y.at(spot.y.mean)) for spot in found]
    placed = naming.place(markers, x.length, y.length)
    rows = [{"model": name.text, "px": round(name.x, 1), "py": round(name.y, 1)} for name in placed]
    text = alt.Chart(theme.data(rows)).mark_text(opacity=0.85, fontSize=11, tooltip=None)
    return text.encode(x=alt.value(alt.expr("datum.px")), y=alt.value(alt.expr("datum.py")), text="model:N")


def _row(spot: Spot, x: Axis, y: Axis) -> dict[str, Any]:
    ends = {f"{name}{place}": _short(end) for name, axis, interval in (("x", x, spot.x), ("y", y, spot.y))
            for place, end in enumerate(axis.ends(interval))}  # fmt: skip
    return {
        "model": spot.model, "colour": theme.colour(spot.family), "shape": theme.shape(spot.family),
        "control": spot.family == "control", "x": _short(spot.x.mean), "y": _short(spot.y.mean),
        "xs": words(spot.x, "{:.4g}".format), "ys": words(spot.y, "{:.4g}".format),
    } | ends  # fmt: skip


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def words(interval: Interval, text: Callable[[float], str]) -> str:
    """'0.95 [0.94, 0.97]', or '0.95' of one seed."""
    if interval.low is None or interval.high is None:
        return text(interval.mean)
    return f"{text(interval.mean)} [{text(interval.low)}, {text(interval.high)}]"


def rows(found: Sequence[Spot], x: Column, y: Column) -> Iterator[tuple[str, str, str, str]]:
    """For the table of a chart: model, family, x, y."""
    for spot in found:
        yield spot.model, spot.family, words(spot.x, x.text), words(spot.y, y.text)
