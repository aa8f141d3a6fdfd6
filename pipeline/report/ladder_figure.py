"""The ladder in one picture: bits/dim, obedience and diversity against ever richer conditions, a line for each model.

Error bars: the 95 % t interval over seeds; one seed has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report import style
from pipeline.results.column import bound
from pipeline.results.conditioning import ConditioningSeries, ModelSeries
from pipeline.statistics.intervals import Seeds, student_t

SPREAD = 0.24
"""Of the way between two rungs, over which the models' markers lie side by side: error bars hide none of them."""
TITLES = {"bits": "Bits/dim of the image, given c", "obedience": "Obedience to c", "diversity": "Diversity under one c"}
MEASURES = {
    "bits": "bits/dim",
    "obedience": "share of the way from floor to ceiling",
    "diversity": "distance, in that of two real images",
}


class Line(NamedTuple):
    """One model's values in one panel."""

    climber: ModelSeries
    rungs: tuple[Seeds, ...]
    shift: float


def draw(ladder: ConditioningSeries) -> Figure | None:
    """A panel for each of the three that some model has; None where no model has any."""
    panels = {part: lines for part in TITLES if (lines := _lines(ladder, part))}
    if not panels:
        return None
    figure = style.sheet(3.4 * len(panels), 3.9)
    axes = dict(zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True))
    dashes = style.dashes((climber.model, climber.family) for climber in ladder.models)
    for part, axis in axes.items():
        _frame(axis, ladder.labels, part)
        for line in panels[part]:
            _plot(axis, line, dashes[line.climber.model])
    if "obedience" in axes:
        _limits(axes["obedience"])
    if "diversity" in axes:
        _real(axes["diversity"], ladder.real)
    _legend(figure, list(axes.values()))
    return figure


def _lines(ladder: ConditioningSeries, part: str) -> list[Line]:
    count = len(ladder.models)
    shifts = (SPREAD * (place / (count - 1) - 0.5) if count > 1 else 0.0 for place in range(count))
    lines = (Line(c, getattr(c, part), shift) for c, shift in zip(ladder.models, shifts, strict=True))
    return [line for line in lines if any(line.rungs)]


def _frame(axis: Axes, labels: Sequence[str], part: str) -> None:
    axis.set(title=TITLES[part], ylabel=MEASURES[part], xlim=(-0.4, len(labels) - 0.6))
    axis.set_xticks(range(len(labels)), labels)
    if len(labels) > 3:
        axis.tick_params("x", rotation=20)
    axis.grid(axis="y", color="#eeeeee")
    axis.set_axisbelow(True)


def _plot(axis: Axes, line: Line, dash: str) -> None:
    colour, marker = style.look(line.climber.family)
    places = [place for place, seeds in enumerate(line.rungs) if seeds]
    found = [student_t(list(line.rungs[place].values())) for place in places]
    arms = [
        (0.0, 0.0) if i.low is None or i.high is None else (i.mean - i.low, i.high - i.mean)
        for i in found
    ]  # fmt: skip
    kind = f", {bound(line.climber.kind)}" if line.climber.kind else ""
    axis.errorbar(
        [place + line.shift for place in places], [i.mean for i in found], yerr=list(zip(*arms, strict=True)),
        linestyle=dash, marker=marker, markersize=5, lw=1.3, elinewidth=1, capsize=0, color=colour,
        label=f"{line.climber.model}{kind}",
    )  # fmt: skip


def _limits(axis: Axes) -> None:
    """What 0 and 1 are."""
    for height, text in ((1.0, "real images"), (0.0, "real images, conditions shuffled")):
        axis.axhline(height, color="#999999", lw=0.8, linestyle=":", zorder=1)
        axis.annotate(
            text, (0.02, height), (0, 3), ("axes fraction", "data"), "offset points", va="bottom", fontsize=7,
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
        )  # fmt: skip


def _real(axis: Axes, real: Sequence[float | None]) -> None:
    known = [(place, value) for place, value in enumerate(real) if value is not None]
    if known:
        colour, marker = style.look("control")
        axis.plot(
            *zip(*known, strict=True), linestyle="", marker=marker, markersize=8, color=colour,
            markerfacecolor="none", label="real images", zorder=1,
        )  # fmt: skip


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Under the panels, each model once."""
    named: dict[Any, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=min(4, len(named)), fontsize=8)
