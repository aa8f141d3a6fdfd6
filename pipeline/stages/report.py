"""`coverseek report`: measured cells and scored files -> tables, claims, figures, leaderboard.md, index.html."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.claims import page as claims
from pipeline.claims.results import Results
from pipeline.files import whole, whole_folder
from pipeline.page import document
from pipeline.params import load
from pipeline.report import figures, ladder_text, measured, page, results, scored, table
from pipeline.report.board import boards
from pipeline.report.rungs import ladders


def main() -> None:
    """Everything is made before anything is written, so that a fault leaves the last report as it was.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or a ladder's tasks hold
            different images.
    """
    params = load()
    outcomes = measured.read(params)
    external = scored.read(params, outcomes)
    frame = results.tidy([*outcomes, *external])
    ranked, climbed, verdicts = (
        boards(params, outcomes, frame, external),
        ladders(params, outcomes),
        claims.judged(Results(frame[frame["family"] != scored.EXTERNAL], results.turned(outcomes))),
    )
    with whole_folder(paths.FIGURES) as folder:
        pictures = {(board.suite, board.task): figures.draw(board, folder) for board in ranked}
        sections = {of.suite: ladder_text.section(of, figures.draw_ladder(of, folder)) for of in climbed}
        text = page.text(ranked, pictures, sections)
        drawn = {picture.name for picture in folder.iterdir()}
        html = document.text(params, ranked, climbed, verdicts)
    _write(document.PATH, html)
    _write(paths.RESULTS, results.csv(frame))
    _write(paths.LEADERBOARD_CSV, table.csv(ranked))
    _write(paths.LEADERBOARD_MD, text)
    _write(paths.RESULTS.with_name("comparisons.csv"), table.pairs(ranked))
    _write(claims.JSON, claims.as_json(verdicts, drawn))
    _write(claims.MARKDOWN, claims.as_markdown(verdicts, drawn))


def _write(path: Path, text: str) -> None:
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")
