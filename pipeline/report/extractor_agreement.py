"""How far the order of a board's models by one metric outlasts another feature extractor.

    τ = (pairs in the same order - pairs in the opposite order) / pairs, with Kendall's correction for ties

References:
    Kendall 1945, The treatment of ties in ranking problems, doi:10.2307/2332303.
"""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import kendalltau

from pipeline.metrics.registry import SECOND
from pipeline.report.leaderboard import Board
from pipeline.results.column import column, ordered

LEAST = 3
"""Models that have to have both numbers."""


class Agreement(NamedTuple):
    """Of the means over seeds of the models that compete."""

    metric: str
    """By the first extractor."""
    tau: float
    """In [-1, 1]: 1, the same order; 0, none in common; -1, the opposite one."""
    models: int


def agreements(board: Board) -> list[Agreement]:
    """Of each metric that both extractors have, unless either is blind or constant, in the order of the columns."""
    found = []
    for second in ordered(board.protocols):
        metric = second.removesuffix(SECOND)
        if metric == second or {metric, second} & set(board.blind):
            continue
        pairs = [
            (s.scores[metric].interval.mean, s.scores[second].interval.mean)
            for s in board.standings
            if s.competes and {metric, second} <= set(s.scores)
        ]
        if len(pairs) >= LEAST and all(len(set(side)) > 1 for side in zip(*pairs, strict=True)):
            found.append(Agreement(metric, float(kendalltau(*zip(*pairs, strict=True)).statistic), len(pairs)))
    return found


def sentence(board: Board) -> str:
    """'By the second extractor the models stand in an order of Kendall's τ .87 (Fréchet, 9 models), ...'"""
    parts = [f"{one.tau:.2f} ({column(one.metric).title}, {one.models} models)" for one in agreements(board)]
    return f"By the second extractor the models stand in an order of Kendall's τ {', '.join(parts)}" if parts else ""
