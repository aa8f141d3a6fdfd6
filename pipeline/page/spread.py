"""Where the intervals of a number lie on the scale that its column shares: shares of its width, in percent.

The scale spans the means of the models and the ends of their intervals; on the log scale where the column's intervals
are. What lies beyond it, as some controls and an end at or below 0 there do, is cut off at the edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.report.board import Board, Standing
from pipeline.statistics.intervals import Interval

SHARES = ("precision", "recall", "coverage")


class Bar(NamedTuple):
    """`training` and `sampling`: (left, width), where there is such an interval."""

    mean: float
    training: tuple[float, float] | None
    sampling: tuple[float, float] | None

    @property
    def style(self) -> str:
        """As the style sheet's variables."""
        parts = [("m", self.mean)]
        for names, span in (("lw", self.training), ("sv", self.sampling)):
            parts += list(zip(names, span, strict=True)) if span else []
        return ";".join(f"--{name}:{value:.0f}" for name, value in parts)


class Scale(NamedTuple):
    low: float
    high: float
    log: bool

    def at(self, value: float) -> float:
        """0 to 100."""
        if self.log and value <= 0:
            return 0.0
        low, high, v = (math.log(e) if self.log else e for e in (self.low, self.high, value))
        return 100 * min(1.0, max(0.0, (v - low) / (high - low)))

    def bar(self, standing: Standing, metric: str) -> Bar:
        training, sampling = standing.scores[metric].interval, standing.sampled.get(metric)
        return Bar(self.at(training.mean), self._span(training), self._span(sampling))

    def _span(self, interval: Interval | None) -> tuple[float, float] | None:
        if interval is None or interval.low is None or interval.high is None:
            return None
        left, right = self.at(interval.low), self.at(interval.high)
        return left, max(1.0, right - left)


def scale(board: Board, metric: str) -> Scale | None:
    """None where nothing competes, or all means are one."""
    if metric in SHARES:
        return Scale(0.0, 1.0, False)
    models = [s for s in board.standings if not s.control and metric in s.scores]
    ends = [end for s in models for end in _ends(s, metric)]
    log = all(s.scores[metric].log for s in models)
    ends = [end for end in ends if end > 0] if log else ends
    if not ends or math.isclose(min(ends), max(ends)):  # means of logarithms come back with rounding
        return None
    return Scale(min(ends), max(ends), log)


def _ends(standing: Standing, metric: str) -> Iterator[float]:
    found: Sequence[Interval | None] = (standing.scores[metric].interval, standing.sampled.get(metric))
    for interval in found:
        if interval is not None:
            yield from (end for end in interval[:3] if end is not None)
