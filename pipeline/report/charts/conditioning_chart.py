"""A conditioning series in three panels: bits/dim, obedience and diversity of each model under ever richer conditions.

Bars: the 95 % t interval over seeds; one seed has none. The markers of the models lie side by side, so that no bar
hides another. Dotted lines: what real images score under their own and under shuffled conditions; hollow: their
diversity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import altair as alt

from pipeline.report import style
from pipeline.report.charts import scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.results.column import DASH, bound
from pipeline.results.conditioning import ConditioningSeries, ModelSeries
from pipeline.statistics.intervals import Interval, student_t

WIDTH, HEIGHT = 270, 250
SPREAD = 0.24
"""Share of the distance between two levels, over which the markers of the models lie."""
TITLES = {"bits": "Bits/dim of the image, given c", "obedience": "Obedience to c", "diversity": "Diversity under one c"}
MEASURES = {
    "bits": "bits/dim",
    "obedience": "share of the way from floor to ceiling",
    "diversity": "distance, in that of two real images",
}
LIMITS: dict[float, tuple[str, Literal["top", "bottom"]]] = {1.0: ("real images", "top"), 0.0: ("shuffled", "bottom")}
"""Obedience of real images under their own and under shuffled conditions, and where the words stand."""


class LevelPoint(NamedTuple):
    """One model at one level; `x`: the place of the level, shifted by the model's."""

    model: ModelSeries
    level: str
    x: float
    value: Interval


def draw(series: ConditioningSeries) -> Chart | None:
    """A panel for each of the three measures that some model has; None where no model has any."""
    found = {part: list(_points(series, part)) for part in TITLES}
    panels = [_panel(part, points, series) for part, points in found.items() if points]
    if not panels:
        return None
    real = [("real images", "control")] if any(value is not None for value in series.real) else []
    return Chart(
        key=f"ladder-{series.suite}",
        title="The same images under ever richer conditions: bars are 95 % training intervals",
        alt=f"Line charts of {', '.join(MEASURES)} of {len(series.models)} models, from the condition "
        f"{series.labels[0]} to {series.labels[-1]}.",
        spec=theme.spec(alt.hconcat(*panels)),
        table=ChartTable(("model", "measure", *series.labels), list(_rows(series, found))),
        legend=[*((_label(model), model.family) for model in series.models), *real],
        wide=True,
    )


def _label(model: ModelSeries) -> str:
    return f"{model.model}, {bound(model.kind)}" if model.kind else model.model


def _points(series: ConditioningSeries, part: str) -> Iterator[LevelPoint]:
    last = len(series.models) - 1
    for number, model in enumerate(series.models):
        shift = SPREAD * (number / last - 0.5) if last else 0.0
        for place, (label, seeds) in enumerate(zip(series.labels, getattr(model, part), strict=True)):
            value = student_t(list(seeds.values())) if seeds else None
            if value and theme.drawable(value.mean, value.low, value.high):
                yield LevelPoint(model, label, round(place + shift, 3), value)


def _panel(part: str, points: Sequence[LevelPoint], series: ConditioningSeries) -> alt.LayerChart:
    dashes = style.dashes((model.model, model.family) for model in series.models)
    base = alt.Chart(theme.data([_row(point, dashes[point.model.model]) for point in points]))
    x, y = _levels(series.labels), alt.Y(**theme.axis("value", MEASURES[part]))
    hue, shape = alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None)
    layers = [
        base.mark_line(strokeWidth=1.4, opacity=0.7).encode(
            x, y, hue, alt.StrokeDash("dash:N", scale=None), detail="model:N"
        ),
        base.mark_rule(opacity=0.55).encode(x, alt.Y(**theme.axis("low", MEASURES[part])), alt.Y2("high"), hue),
        base.mark_point(filled=True, opacity=1, size=50).encode(x, y, hue, shape, tooltip=["model:N", "value:Q"]),
    ]
    layers += _limits(y) if part == "obedience" else _real(series, x, y) if part == "diversity" else []
    return scatter.layered(layers, WIDTH, HEIGHT, TITLES[part])


def _levels(labels: Sequence[str]) -> alt.X:
    """Their places as numbers, labelled."""
    values = list(range(len(labels)))
    axis = {"values": values, "labelExpr": f"{list(labels)!r}[datum.value]", "labelAngle": -25, "grid": False,
            "labelOverlap": False}  # fmt: skip
    scale = {"domain": [-0.4, len(labels) - 0.6], "nice": False}
    return alt.X(field="x", type="quantitative", title=None, axis=axis, scale=scale)


def _limits(y: alt.Y) -> list[alt.Chart]:
    rule = alt.Chart(theme.data([{"value": value} for value in LIMITS])).mark_rule(strokeDash=[1, 3], opacity=0.6)
    made = [rule.encode(y)]
    for value, (words, side) in LIMITS.items():
        text = alt.Chart(theme.data([{"value": value}])).mark_text(text=words, align="left", baseline=side, dx=4, dy=2)
        made.append(text.encode(y, x=alt.value(0)))
    return made


def _real(series: ConditioningSeries, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    known = [
        {"x": place, "value": theme.rounded(value)} for place, value in enumerate(series.real) if value is not None
    ]
    marks = alt.Chart(theme.data(known)).mark_point(size=90, strokeWidth=1.6, color=theme.colour("control"))
    return [marks.encode(x, y)] if known else []


def _row(point: LevelPoint, dash: list[int]) -> dict[str, Any]:
    mean, low, high, _ = point.value
    family = point.model.family
    ends = {"low": mean if low is None else low, "value": mean, "high": mean if high is None else high}
    return {
        "model": point.model.model, "x": point.x, "colour": theme.colour(family),
        "shape": style.look(family).shape, "dash": dash,
    } | {name: theme.rounded(value) for name, value in ends.items()}  # fmt: skip


def _rows(series: ConditioningSeries, found: dict[str, list[LevelPoint]]) -> Iterator[list[str]]:
    for part, points in found.items():
        for model in series.models:
            values = {p.level: scatter.words(p.value, "{:.4g}".format) for p in points if p.model == model}
            if values:
                yield [model.model, part, *(values.get(label, DASH) for label in series.labels)]
