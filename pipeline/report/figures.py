"""The pictures of a task: samples, the precision-recall plane, training curves. What is empty is not drawn."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.report import curves, latent, plane, samples, style
from pipeline.report.board import Board

PICTURES = {"samples": samples.draw, "plane": plane.draw, "latent": latent.draw, "curves": curves.draw}


def draw(board: Board, folder: Path) -> list[Path]:
    """Write into `folder`; the figures' paths once `folder` is `paths.FIGURES`."""
    drawn = []
    with style.settled():
        for picture, make in PICTURES.items():
            figure = make(board)
            if figure is not None:
                path = paths.figure(board.suite, board.task, picture)
                style.save(figure, folder / path.name)
                drawn.append(path)
    return drawn
