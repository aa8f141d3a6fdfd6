"""What a metric reads for real images: where obedience begins and ends, how varied one condition is.

All held-out images of a class answer to it, so that the control `real`, which draws one of them, is what a perfect
sampler scores. A box is shared by some, a segmentation or a luma hardly ever by any: there `real` answers with the
held-out image whose condition is nearest, and is no ceiling but a look-up (`unshared`).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.report.leaderboard import Board
from pipeline.results.column import column, ordered
from pipeline.results.conditioning import OBEDIENCE

UNSHARED = {metric for kind, metric in OBEDIENCE.items() if kind != "class"}
"""How well samples keep conditions that an image may have to itself."""


def unshared(board: Board) -> bool:
    """Whether the task's condition is one that an image may have to itself."""
    return not UNSHARED.isdisjoint(board.protocols)


def sentences(board: Board) -> Iterator[str]:
    """'Class accuracy of real images with their own condition: 0.987; with shuffled ones: 0.210'"""
    for metric in ordered(board.protocols):
        title = column(metric).title[0].upper() + column(metric).title[1:]
        ceiling, floor, real, truth = (
            _value(board, f"{metric}_{kind}") for kind in ("ceiling", "floor", "real", "truth")
        )
        if ceiling and floor:
            yield f"{title} of real images with their own condition: {ceiling}; with shuffled ones: {floor}"
        if real:
            yield f"{title} of real images that share a condition: {real}"
        if truth:
            yield f"{title} by as many samples of the truth, on average: {truth}"


def _value(board: Board, reference: str) -> str | None:
    """The mean over the models, none of which it depends on; None where it was not measured."""
    means = [s.scores[reference].interval.mean for s in board.standings if reference in s.scores]
    return column(reference).text(sum(means) / len(means)) if means else None
