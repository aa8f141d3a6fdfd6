"""The ladder: bits/dim, obedience and diversity of each model under ever richer conditions, with training intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import altair as alt

from pipeline.page.charts import marks, theme
from pipeline.page.charts.chart import Chart, Table
from pipeline.page.charts.marks import words
from pipeline.report.ladder_figure import MEASURES, TITLES
from pipeline.results.column import DASH
from pipeline.results.conditioning import ConditioningSeries, ModelSeries
from pipeline.statistics.intervals import Interval, student_t

WIDTH, HEIGHT = 250, 250


class Reached(NamedTuple):
    """What one model reached on one rung."""

    climber: ModelSeries
    rung: str
    value: Interval


def draw(ladder: ConditioningSeries) -> Chart | None:
    """A panel for each of the three that some model has; None where no model has any."""
    found = {part: list(_reached(ladder, part)) for part in TITLES}
    panels = [_panel(part, points, ladder.labels) for part, points in found.items() if points]
    if not panels:
        return None
    return Chart(
        key=f"ladder-{ladder.suite}",
        title="The same images under ever richer conditions: bars are 95 % training intervals",
        alt=f"Line charts of {', '.join(MEASURES)} of {len(ladder.models)} models, from the condition "
        f"{ladder.labels[0]} to {ladder.labels[-1]}.",
        spec=theme.spec(alt.hconcat(*panels)),
        table=Table(("model", "measure", *ladder.labels), list(_rows(ladder, found))),
        legend=[(climber.model, climber.family) for climber in ladder.models],
        wide=True,
    )


def _reached(ladder: ConditioningSeries, part: str) -> Iterator[Reached]:
    for climber in ladder.models:
        for rung, seeds in zip(ladder.labels, getattr(climber, part), strict=True):
            reached = student_t(list(seeds.values())) if seeds else None
            if reached and theme.drawable(reached.mean, reached.low, reached.high):
                yield Reached(climber, rung, reached)


def _panel(part: str, points: Sequence[Reached], rungs: Sequence[str]) -> alt.LayerChart:
    base = alt.Chart(theme.data([_datum(point) for point in points]))
    x = alt.X("rung:N", sort=list(rungs), title=None, axis=alt.Axis(labelAngle=-25))
    hue, shape = alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None)
    low = alt.Y(**theme.axis("low", MEASURES[part]))
    y = alt.Y(**theme.axis("value", MEASURES[part]))
    layers = [
        base.mark_line(strokeWidth=1.4, opacity=0.7).encode(x, y, hue, detail="model:N"),
        base.mark_rule(opacity=0.55).encode(x, low, alt.Y2("high"), hue),
        base.mark_point(filled=True, opacity=1, size=50).encode(x, y, hue, shape, tooltip=["model:N", "value:Q"]),
    ]
    chart = marks.layered(layers, WIDTH, HEIGHT)
    chart.title = TITLES[part]
    return chart


def _datum(point: Reached) -> dict[str, Any]:
    mean, low, high, _ = point.value
    family = point.climber.family
    ends = {"low": mean if low is None else low, "value": mean, "high": mean if high is None else high}
    rounded = {name: float(f"{value:.5g}") for name, value in ends.items()}
    return {"model": point.climber.model, "rung": point.rung, "colour": theme.colour(family),
            "shape": theme.shape(family)} | rounded  # fmt: skip


def _rows(ladder: ConditioningSeries, found: dict[str, list[Reached]]) -> Iterator[list[str]]:
    for part, points in found.items():
        for climber in ladder.models:
            reached = {point.rung: words(point.value, "{:.4g}".format) for point in points if point.climber == climber}
            if reached:
                yield [climber.model, part, *(reached.get(rung, DASH) for rung in ladder.labels)]
