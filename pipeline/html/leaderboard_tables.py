"""The quality table of a board: models, then controls; below a number both of its intervals, drawn on a shared scale.

The scale of a column spans the means of the models and the ends of their intervals; it is logarithmic where the
column's intervals are. What lies beyond it, as some controls do, is cut off at the edge. Positions are percentages of
its width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.report import committed_rows, leaderboard_md, tables
from pipeline.report.leaderboard import Board, Standing
from pipeline.results.column import bound, column
from pipeline.statistics.intervals import Interval
from pipeline.table_formats import TableCell

DRAWN = ("nats", "nats_per_step", "bits_per_dim", "frechet", "precision", "recall", "coverage")
"""Metrics whose intervals are drawn."""
SHARES = ("precision", "recall", "coverage")
"""Of these, those on a scale from 0 to 1."""


class BoardRow(NamedTuple):
    """`recorded`: whether a record of it is further down: of a model without a measured seed there is none. `cells`:
    with the style of the intervals drawn below, empty where none are."""

    model: str
    family: str
    role: str
    control: bool
    seeds: str
    recorded: bool
    cells: list[tuple[TableCell, str]]


class BoardTable(NamedTuple):
    """`heads` are the titles of the cells; `note` says how the table is to be read, and `caution` which of its metrics
    are blind, which of its models had not converged, and which cells an earlier run measured."""

    heads: list[str]
    models: list[BoardRow]
    controls: list[BoardRow]
    note: str
    caution: str


class ProtocolRow(NamedTuple):
    metric: str
    kind: str
    protocol: str


class IntervalScale(NamedTuple):
    low: float
    high: float
    log: bool

    def position(self, value: float) -> float:
        """0 to 100."""
        if self.log and value <= 0:
            return 0.0
        low, high, v = (math.log(e) if self.log else e for e in (self.low, self.high, value))
        return 100 * min(1.0, max(0.0, (v - low) / (high - low)))

    def css(self, standing: Standing, metric: str) -> str:
        """The mean, and left end and width of both intervals, as variables of the style sheet."""
        training = standing.scores[metric].interval
        parts = [("m", self.position(training.mean))]
        for names, interval in (("lw", training), ("sv", standing.sampled.get(metric))):
            if interval is not None and interval.low is not None and interval.high is not None:
                left = self.position(interval.low)
                parts += zip(names, (left, max(1.0, self.position(interval.high) - left)), strict=True)
        return ";".join(f"--{name}:{value:.0f}" for name, value in parts)


def table(board: Board) -> BoardTable:
    columns = tables.metric_columns(board, "quality")
    styles = [list(_styles(board, one.metric)) for one in columns]
    roles = tables.roles(board)
    rows = [
        BoardRow(
            model=s.model,
            family=s.family,
            role=f"{roles[place]}, {s.trust}" if s.external else roles[place],
            control=s.control,
            seeds=tables.seeds(s),
            recorded=bool(s.cells) or s.external,
            cells=[(one.cells[place], style[place]) for one, style in zip(columns, styles, strict=True)],
        )
        for place, s in enumerate(board.standings)
    ]
    models, controls = ([row for row in rows if row.control is control] for control in (False, True))
    cautions = (
        leaderboard_md.blind(board, "quality"),
        leaderboard_md.not_converged(board, "quality"),
        committed_rows.sentence(board),
    )
    return BoardTable(
        heads=[one.title for one in columns],
        models=models,
        controls=controls,
        note=leaderboard_md.sentences(board, "quality"),
        caution=". ".join(filter(None, cautions)),
    )


def _styles(board: Board, metric: str) -> Iterator[str]:
    """Of the intervals of each standing; empty where none are drawn."""
    shared = scale(board, metric) if metric in DRAWN and metric not in board.blind else None
    for standing in board.standings:
        yield shared.css(standing, metric) if shared and metric in standing.scores else ""


def scale(board: Board, metric: str) -> IntervalScale | None:
    """None where nothing competes, or all means are equal."""
    if metric in SHARES:
        return IntervalScale(0.0, 1.0, False)
    models = [s for s in board.standings if not s.control and metric in s.scores]
    ends = [end for s in models for end in _ends(s, metric)]
    log = all(s.scores[metric].log for s in models)
    ends = [end for end in ends if end > 0] if log else ends
    if not ends or math.isclose(min(ends), max(ends)):  # means of logarithms come back with rounding
        return None
    return IntervalScale(min(ends), max(ends), log)


def _ends(standing: Standing, metric: str) -> Iterator[float]:
    found: Sequence[Interval | None] = (standing.scores[metric].interval, standing.sampled.get(metric))
    for interval in found:
        if interval is not None:
            yield from (end for end in interval[:3] if end is not None)


def protocols(boards: Sequence[Board]) -> dict[str, list[ProtocolRow]]:
    """For each task, how each number on its boards was measured: no two boards differ in it."""
    found: dict[str, dict[ProtocolRow, None]] = {}
    for board in boards:
        for metric in (m for m in board.protocols if column(m).table != "reference"):
            for kind, protocol in board.protocols[metric].items():
                row = ProtocolRow(column(metric).title, bound(kind), protocol)
                found.setdefault(board.task, {})[row] = None
    return {task: list(rows) for task, rows in found.items()}
