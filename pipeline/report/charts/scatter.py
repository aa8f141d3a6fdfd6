"""Models as points on two axes: a marker in the family's colour and shape, error bars, a name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import altair as alt

from pipeline.report import style
from pipeline.report.charts import label_placement, theme
from pipeline.report.charts.label_placement import Marker
from pipeline.report.leaderboard import Standing
from pipeline.results.column import Column
from pipeline.statistics.intervals import Interval

SIZE = 70
WIDTH, HEIGHT = 400, 330
"""Pixels of a panel."""


class ModelPoint(NamedTuple):
    """One model at (x, y)."""

    model: str
    family: str
    x: Interval
    y: Interval


class ChartAxis(NamedTuple):
    """One axis: what it measures, over what range, on which scale, how long in pixels."""

    title: str
    low: float
    high: float
    log: bool = False
    length: int = WIDTH

    def channel(self, field: str) -> dict[str, Any]:
        return theme.axis(field, self.title, log=self.log, domain=[self.low, self.high])

    def position(self, value: float) -> float:
        """Pixels from the low end."""
        low, high, v = (math.log(e) if self.log else e for e in (self.low, self.high, value))
        return (v - low) / (high - low) * self.length

    def clipped(self, interval: Interval) -> tuple[float, float]:
        """The ends of the interval within the axis; its mean twice where it has none."""
        low, high = (interval.mean if end is None else end for end in (interval.low, interval.high))
        return max(low, self.low), min(high, self.high)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    @classmethod
    def around(cls, title: str, values: Sequence[float], *, log: bool = False, length: int = WIDTH) -> ChartAxis:
        """With a tenth of the span to spare at either end."""
        low, high = min(values), max(values)
        if log:
            room = max((high / low) ** 0.12, 1.2)
            return cls(title, low / room, high * room, True, length)
        room = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(title, low - room, high + room, False, length)


def points(standings: Sequence[Standing], x: str, y: str) -> list[ModelPoint]:
    """The models that have both metrics, with values that an axis can show."""
    found = (
        ModelPoint(s.model, s.family, s.scores[x].interval, s.scores[y].interval)
        for s in standings
        if {x, y} <= s.scores.keys()
    )
    return [point for point in found if theme.drawable(point.x.mean, point.y.mean)]


def layered(charts: Sequence[alt.Chart], width: int, height: int, title: str = "") -> alt.LayerChart:
    """One on another, in the order given."""
    chart = alt.LayerChart(layer=list(charts), width=width, height=height)
    if title:
        chart.title = title
    return chart


def layers(
    found: Sequence[ModelPoint],
    x: ChartAxis,
    y: ChartAxis,
    *,
    bars: bool = True,
    named: Sequence[ModelPoint] | None = None,
    lines: Sequence[Sequence[tuple[float, float]]] = (),
) -> list[alt.Chart]:
    """Error bars, markers and names.

    Args:
        found: the models.
        bars: whether to draw their intervals.
        named: the models whose names are written; all of them if None.
        lines: what else is drawn, in the data's coordinates: names avoid it.
    """
    base = alt.Chart(theme.data([_row(point, x, y) for point in found]))
    across, down = x.channel("x"), y.channel("y")
    made = []
    if bars:
        rule, hue = base.mark_rule(opacity=0.55), alt.Color("colour:N", scale=None)
        made.append(rule.encode(alt.X(**across | {"field": "x0"}), alt.X2("x1"), alt.Y(**down), hue))
        made.append(rule.encode(alt.X(**across), alt.Y(**down | {"field": "y0"}), alt.Y2("y1"), hue))
    for control in (True, False):
        made.append(_markers(base, control, across, down))
    markers = {p: _marker(p, x, y, bars) for p in found if x.holds(p.x.mean) and y.holds(p.y.mean)}
    wanted = [markers[point] for point in (found if named is None else named) if point in markers]
    corners = [[(x.position(a), y.length - y.position(b)) for a, b in line] for line in lines]
    return [*made, *names(label_placement.place(list(markers.values()), x.length, y.length, wanted, corners))]


def line(
    rows: list[dict[str, Any]], x: ChartAxis, y: ChartAxis, order: str, *, opacity: float = 0.55, dash: bool = False
) -> alt.Chart:
    """A thin line for each model. `rows` have model, colour, x, y, the field `order`, and with `dash` a dash."""
    hue, extra = alt.Color("colour:N", scale=None), [alt.StrokeDash("dash:N", scale=None)] if dash else []
    drawn = alt.Chart(theme.data(rows)).mark_line(strokeWidth=1.2, opacity=opacity, clip=True)
    return drawn.encode(
        alt.X(**x.channel("x")), alt.Y(**y.channel("y")), hue, *extra, detail="model:N", order=f"{order}:Q"
    )


def dots(rows: list[dict[str, Any]], x: ChartAxis, y: ChartAxis, field: str) -> alt.Chart:
    """A small dot at each row whose `field` is true."""
    drawn = alt.Chart(theme.data([row for row in rows if row[field]])).mark_point(filled=True, size=14, opacity=0.7)
    return drawn.encode(alt.X(**x.channel("x")), alt.Y(**y.channel("y")), alt.Color("colour:N", scale=None))


def _markers(base: alt.Chart, control: bool, x: dict[str, Any], y: dict[str, Any]) -> alt.Chart:
    """Controls are hollow."""
    marks = base.mark_point(
        size=SIZE, filled=not control, opacity=1, strokeWidth=1.6 if control else alt.Undefined, clip=True
    )
    return marks.encode(
        alt.X(**x), alt.Y(**y), alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None),
        tooltip=[alt.Tooltip("model:N"), alt.Tooltip("xs:N", title=x["title"]), alt.Tooltip("ys:N", title=y["title"])],
    ).transform_filter(f"datum.control === {str(control).lower()}")  # fmt: skip


def names(placed: Iterator[label_placement.Name]) -> Iterator[alt.Chart]:
    """Text, and lines from the markers."""
    shown = list(placed)
    rows = [{"model": name.text, "px": round(name.x, 1), "py": round(name.y, 1)} for name in shown]
    text = alt.Chart(theme.data(rows)).mark_text(opacity=0.85, fontSize=11, tooltip=None)
    yield text.encode(**_pixels("px", "py"), text="model:N")
    lines = [dict(zip(("x0", "y0", "x1", "y1"), map(round, name.line), strict=True)) for name in shown if name.line]
    if lines:
        rule = alt.Chart(theme.data(lines)).mark_rule(opacity=0.4, strokeWidth=0.7, color=theme.INK)
        ends = {"x2": alt.value(alt.expr("datum.x1")), "y2": alt.value(alt.expr("datum.y1"))}
        yield rule.encode(**_pixels("x0", "y0"), **ends)


def _pixels(x: str, y: str) -> dict[str, Any]:
    return {"x": alt.value(alt.expr(f"datum.{x}")), "y": alt.value(alt.expr(f"datum.{y}"))}


def _marker(point: ModelPoint, x: ChartAxis, y: ChartAxis, bars: bool) -> Marker:
    def down(value: float) -> float:
        return y.length - y.position(value)

    (left, right), (bottom, top) = x.clipped(point.x), y.clipped(point.y)
    spans = ((x.position(left), x.position(right)), (down(top), down(bottom))) if bars else None
    return Marker(point.model, x.position(point.x.mean), down(point.y.mean), spans)


def _row(point: ModelPoint, x: ChartAxis, y: ChartAxis) -> dict[str, Any]:
    ends = {f"{name}{place}": theme.rounded(end) for name, axis, interval in (("x", x, point.x), ("y", y, point.y))
            for place, end in enumerate(axis.clipped(interval))}  # fmt: skip
    return {
        "model": point.model, "colour": theme.colour(point.family), "shape": style.look(point.family).shape,
        "control": point.family == "control", "x": theme.rounded(point.x.mean), "y": theme.rounded(point.y.mean),
        "xs": words(point.x, "{:.4g}".format), "ys": words(point.y, "{:.4g}".format),
    } | ends  # fmt: skip


def words(interval: Interval, text: Callable[[float], str]) -> str:
    """'0.95 [0.94, 0.97]', or '0.95' of one seed."""
    if interval.low is None or interval.high is None:
        return text(interval.mean)
    return f"{text(interval.mean)} [{text(interval.low)}, {text(interval.high)}]"


def rows(found: Sequence[ModelPoint], x: Column, y: Column) -> Iterator[tuple[str, str, str, str]]:
    """For the table of a chart: model, family, x, y."""
    for point in found:
        yield point.model, point.family, words(point.x, x.text), words(point.y, y.text)
