"""`coverseek report`: the measured cells -> results.csv, leaderboard.csv, leaderboard.md and the figures."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.files import whole, whole_folder
from pipeline.params import load
from pipeline.report import figures, measured, page, results, table
from pipeline.report.board import boards


def main() -> None:
    """Everything is made before anything is written, so that a fault leaves the last report as it was.

    Raises:
        UserError: nothing is measured, a file is damaged, or a column holds two protocols.
    """
    params = load()
    outcomes = measured.read(params)
    frame = results.tidy(outcomes)
    ranked = boards(params, outcomes, frame)
    with whole_folder(paths.FIGURES) as folder:
        pictures = {(board.suite, board.task): figures.draw(board, folder) for board in ranked}
        text = page.text(ranked, pictures)
    _write(paths.RESULTS, results.csv(frame))
    _write(paths.LEADERBOARD_CSV, table.csv(ranked))
    _write(paths.LEADERBOARD_MD, text)


def _write(path: Path, text: str) -> None:
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")
