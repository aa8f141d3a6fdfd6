"""The pictures of a task and of a ladder of tasks. What is empty is not drawn."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from pipeline import paths
from pipeline.report import conditions, cost, curves, ladder_figure, latent, plane, samples, style
from pipeline.report.board import Board
from pipeline.results.conditioning import ConditioningSeries

PICTURES = {
    "samples": samples.draw,
    "conditions": conditions.draw,
    "plane": plane.draw,
    "cost": cost.draw,
    "latent": latent.draw,
    "curves": curves.draw,
}


def draw(board: Board, folder: Path) -> list[Path]:
    """Write into `folder`; the figures' paths once `folder` is `paths.FIGURES`.

    None of a board that is not measured: its task may not even be prepared.
    """
    if not board.measured:
        return []
    with style.settled():
        drawn = [
            _save(make(board), folder, paths.figure(board.suite, board.task, picture))
            for picture, make in PICTURES.items()
        ]
    return [path for path in drawn if path]


def draw_ladder(ladder: ConditioningSeries, folder: Path) -> Path | None:
    """Like `draw`, of a ladder."""
    with style.settled():
        return _save(ladder_figure.draw(ladder), folder, paths.ladder_figure(ladder.suite))


def _save(figure: Figure | None, folder: Path, path: Path) -> Path | None:
    if figure is None:
        return None
    style.save(figure, folder / path.name)
    return path
