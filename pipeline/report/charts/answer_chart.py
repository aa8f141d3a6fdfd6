"""The answer in one picture: what each family covers, and how faithful its samples are, as shares of a control's score.

A row for each family, in it a marker for each task from top to bottom. Bars: the 95 % t interval over seeds. Dashed:
held-out data, the control `real`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from pipeline.report import style
from pipeline.report.answer import ENOUGH, Answer, Evidence
from pipeline.report.charts import scatter, theme
from pipeline.report.charts.chart import Chart, ChartTable
from pipeline.results.column import DASH

WIDTH, ROW, LABEL = 260, 30, 100
"""Pixels: of a panel, of a family's row in it, and of the room for its name, which the reader's font may need."""
SPREAD = 0.6
"""Share of a row's height over which its tasks lie."""
MOST = 1.15
TITLES = {"coverage": "Coverage, share of held-out data's own", "fidelity": "Precision, share of held-out data's own"}


def draw(answer: Answer) -> Chart | None:
    """None without evidence."""
    if not answer.evidence:
        return None
    families = list(answer.families)
    panels = [_panel(answer, families, part) for part in TITLES]
    tasks = ", ".join(answer.tasks)
    return Chart(
        key="answer",
        title="What each family covers, and how faithful it is",
        alt=f"Dot charts of the coverage and the precision of {', '.join(families)}; in each row from top to bottom: "
        f"{tasks}. {_words(answer)}",
        spec=theme.spec(alt.vconcat(*panels, spacing=14)),
        table=ChartTable(
            ("family", "task", "model", "covers or seeks", "coverage, share", "precision, share"),
            [_cells(one) for one in answer.evidence],
        ),
    )


def _words(answer: Answer) -> str:
    return "; ".join(f"{one.family} on {one.task}: {one.behaviour}" for one in answer.evidence) + "."


def _cells(one: Evidence) -> tuple[str, ...]:
    shares = (scatter.words(share, "{:.2f}".format) if share else DASH for share in (one.coverage, one.fidelity))
    return one.family, one.task, one.model, one.behaviour, *shares


def _panel(answer: Answer, families: Sequence[str], part: str) -> alt.LayerChart:
    base = alt.Chart(
        theme.data([_row(one, part, families, list(answer.tasks)) for one in answer.evidence if getattr(one, part)])
    )
    labels = {"values": list(range(len(families))), "labelExpr": f"{list(families)!r}[datum.value]", "grid": False}
    y = alt.Y(field="y", type="quantitative", title=None, axis=labels | {"labelOverlap": False, "minExtent": LABEL},
              scale={"domain": [len(families) - 0.5, -0.5], "nice": False})  # fmt: skip
    across = theme.axis("x", TITLES[part], domain=[0.0, MOST])
    hue, shape = alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None)
    layers = [
        _line(1.0, [4, 3], 0.6),
        *([_line(ENOUGH, [1, 3], 0.5)] if part == "coverage" else []),
        base.mark_rule(opacity=0.55).encode(alt.X(**across | {"field": "low"}), alt.X2("high"), y, hue),
        base.mark_point(filled=True, opacity=1, size=45).encode(
            alt.X(**across), y, hue, shape, tooltip=["model:N", "task:N", alt.Tooltip("share:N", title=part)]
        ),
    ]
    return scatter.layered(layers, WIDTH, ROW * len(families))


def _line(value: float, dash: list[int], opacity: float) -> alt.Chart:
    rule = alt.Chart(theme.data([{"x": value}])).mark_rule(strokeDash=dash, opacity=opacity, color=theme.INK)
    return rule.encode(alt.X(field="x", type="quantitative"))


def _row(one: Evidence, part: str, families: Sequence[str], tasks: Sequence[str]) -> dict[str, Any]:
    share = getattr(one, part)
    low, high = (share.mean if end is None else min(max(end, 0.0), MOST) for end in (share.low, share.high))
    shift = SPREAD * ((tasks.index(one.task) + 0.5) / len(tasks) - 0.5)
    return {
        "model": one.model, "task": one.task, "y": round(families.index(one.family) + shift, 3),
        "x": theme.rounded(min(share.mean, MOST)), "low": theme.rounded(low), "high": theme.rounded(high),
        "share": scatter.words(share, "{:.2f}".format),
        "colour": theme.colour(one.family), "shape": style.look(one.family).shape,
    }  # fmt: skip
