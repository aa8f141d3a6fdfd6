"""`coverseek report`: measured cells and scored files -> tables, claims, figures, leaderboard.md, index.html."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.claims import claims_md as claims
from pipeline.claims import conditioning
from pipeline.files import whole, whole_folder
from pipeline.page import document
from pipeline.params import load
from pipeline.report import benchmark, figures, ladder_text, leaderboard_csv, page
from pipeline.results import table
from pipeline.results.conditioning import ConditioningSeries, conditioning_series
from pipeline.results.selection import Results


def main() -> None:
    """Everything is made before anything is written, so that a fault leaves the last report as it was.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or a ladder's tasks hold
            different images.
    """
    params = load()
    found = benchmark.read(params)
    climbed = conditioning_series(params, found.outcomes)
    verdicts = claims.judged(Results(found.trained, table.turned(found.outcomes)))
    with whole_folder(paths.FIGURES) as folder:
        pictures = {(board.suite, board.task): figures.draw(board, folder) for board in found.boards}
        sections = {of.suite: _section(of, figures.draw_ladder(of, folder)) for of in climbed}
        text = page.text(found.boards, pictures, sections)
        drawn = {picture.name for picture in folder.iterdir()}
        html = document.text(params, found.boards, climbed, verdicts)
    _write(document.PATH, html)
    _write(paths.RESULTS, table.csv(found.numbers))
    _write(paths.LEADERBOARD_CSV, leaderboard_csv.csv(found.boards))
    _write(paths.LEADERBOARD_MD, text)
    _write(paths.RESULTS.with_name("comparisons.csv"), leaderboard_csv.pairs(found.boards))
    _write(claims.JSON, claims.as_json(verdicts, drawn))
    _write(claims.MARKDOWN, claims.as_markdown(verdicts, drawn))


def _section(series: ConditioningSeries, picture: Path | None) -> str:
    found = conditioning.verdicts(series)
    words = {model: verdict.word for model, verdict in found.items()}
    return ladder_text.section(series, picture, words, conditioning.sentence(found))


def _write(path: Path, text: str) -> None:
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8")
