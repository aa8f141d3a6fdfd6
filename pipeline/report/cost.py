"""What quality costs: seconds to sample against seconds to evaluate, and the likelihood against the parameters.

Left, on logarithmic scales, the two ways of each model that has both: on the line they take as long. Right the
likelihood against the size, a line through one model's widths; the kind of each number is in the table. Seconds are
for 1,000 items, a bound's with all of its draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report import style
from pipeline.report.board import Board, Standing
from pipeline.report.labels import Spot, label, mark
from pipeline.results.column import column
from pipeline.results.selection import NARROW, base
from pipeline.statistics.intervals import Interval

EVALUATE, SAMPLE, SIZE = "likelihood_seconds_per_1000", "sample_seconds_per_1000", "parameters"
FEWEST = 2
"""Models that are worth a panel."""


class Panel(NamedTuple):
    spots: list[Spot]
    frame: Callable[[Axes], None]


def draw(board: Board) -> Figure | None:
    """None where no two models can be compared."""
    panels = [panel for panel in _panels(board) if len(panel.spots) >= FEWEST]
    if not panels:
        return None
    figure = style.sheet(5.2 * len(panels), 4.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        axis.grid(color="#eeeeee")
        axis.set_axisbelow(True)
        for spot in panel.spots:
            mark(axis, spot)
        panel.frame(axis)
    figure.draw_without_rendering()
    for axis, panel in zip(axes, panels, strict=True):
        label(axis, panel.spots, panel.spots)
    return figure


def _panels(board: Board) -> Iterator[Panel]:
    models = [standing for standing in board.standings if standing.role == "model"]
    wide = [standing for standing in models if not standing.model.endswith(NARROW)]
    yield Panel(_spots(wide, EVALUATE, SAMPLE), _speed)
    if likelihood := board.likelihood:
        spots = _spots(models, SIZE, likelihood)
        better = {"higher": "higher is better", "lower": "lower is better"}[board.better(likelihood)]
        yield Panel(spots, lambda axis: _size(axis, spots, f"{column(likelihood).title}, {better}"))


def _spots(standings: Sequence[Standing], x: str, y: str) -> list[Spot]:
    return [
        Spot(s.model, s.family, _point(s.scores[x].interval), _point(s.scores[y].interval))
        for s in standings
        if {x, y} <= s.scores.keys() and s.scores[x].interval.mean > 0
    ]


def _point(interval: Interval) -> Interval:
    """Without its arms: of seconds they are the machine's, and beside a size they would hide the others."""
    return interval._replace(low=None, high=None)


def _speed(axis: Axes) -> None:
    axis.set(
        xscale="log", yscale="log", title="Fast to evaluate, slow to sample?",
        xlabel="seconds for 1,000 likelihoods", ylabel="seconds for 1,000 samples",
    )  # fmt: skip
    limits = axis.axis()
    axis.axline((1, 1), (10, 10), color="#999999", lw=0.8, linestyle=":", zorder=1)
    axis.axis(limits)


def _size(axis: Axes, spots: Sequence[Spot], title: str) -> None:
    axis.set(xscale="log", title="Likelihood for parameters", xlabel="parameters", ylabel=title)
    by_model = sorted(spots, key=lambda spot: (base(spot.name), spot.x.mean))
    for _, widths in groupby(by_model, key=lambda spot: base(spot.name)):
        line = list(widths)
        colour = style.look(line[0].family).colour
        axis.plot([s.x.mean for s in line], [s.y.mean for s in line], color=colour, lw=1, alpha=0.6, zorder=1)
