"""`coverseek report`: measured cells and scored files -> tables, claims, figures, leaderboard.md, index.html."""

from __future__ import annotations

from pathlib import Path

from pipeline import files, paths
from pipeline.claims import claims_md as claims
from pipeline.claims import richer_conditions
from pipeline.files import atomic_dir, atomic_write
from pipeline.html import document
from pipeline.params import load
from pipeline.report import benchmark, figures, leaderboard_csv, leaderboard_md
from pipeline.results.conditioning import ConditioningSeries, conditioning_series


def main() -> None:
    """Everything is made before anything is written, so that a fault leaves the last report as it was.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or the tasks of a conditioning
            series hold different images.
    """
    params = load()
    found = benchmark.read(params)
    series = conditioning_series(params, found.outcomes)
    verdicts = claims.judged(found.results.trained)
    default = {name for name, suite in params.suites.items() if suite.default}
    cells = {cell for suite in params.selected().values() for cell in suite.cells()}
    with atomic_dir(paths.FIGURES) as folder:
        figures.draw_answer([board for board in found.boards if board.suite in default], folder)
        pictures = {(board.suite, board.task): figures.draw(board, folder) for board in found.boards}
        sections = {of.suite: _section(of, figures.draw_series(of, folder), of.suite in default) for of in series}
        pages = leaderboard_md.pages(found.boards, default, pictures, sections)
        drawn = {picture.name for picture in folder.iterdir()}
        html = document.text(params, found.boards, series, verdicts)
    _write(document.PATH, html)
    _write(paths.RESULTS, found.results.csv())
    files.write_json(paths.METRICS, found.results.means(cells))
    _write(paths.LEADERBOARD_CSV, leaderboard_csv.csv(found.boards))
    with atomic_dir(leaderboard_md.FOLDER) as folder:
        for path, text in pages.items():
            if path.parent == leaderboard_md.FOLDER:
                (folder / path.name).write_text(text, encoding="utf-8")
    _write(paths.LEADERBOARD_MD, pages[paths.LEADERBOARD_MD])
    _write(paths.RESULTS.with_name("comparisons.csv"), leaderboard_csv.pairs(found.boards))
    _write(claims.JSON, claims.as_json(verdicts, drawn))
    _write(claims.MARKDOWN, claims.as_markdown(verdicts, drawn))


def _section(series: ConditioningSeries, picture: Path | None, default: bool) -> str:
    found = richer_conditions.verdicts(series)
    words = {model: verdict.word for model, verdict in found.items()}
    return leaderboard_md.series_section(series, picture, words, richer_conditions.sentence(found), default)


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
