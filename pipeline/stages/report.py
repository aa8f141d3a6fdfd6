"""`coverseek report`: measured cells and scored files -> tables, claims, the answer, figures, leaderboard.md,
published.md, index.html.

Of suites that have not run here, the committed tables and figures stay (`committed_suites`). Claims and the page are
made of what is measured here.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from pipeline import files, paths
from pipeline.claims import answer_md, richer_conditions
from pipeline.claims import claims_md as claims
from pipeline.files import atomic_dir, atomic_write
from pipeline.html import document
from pipeline.params import load
from pipeline.paths import Cell
from pipeline.report import benchmark, figures, leaderboard_csv, leaderboard_md, published_md
from pipeline.results import published, reproduction
from pipeline.results.conditioning import ConditioningSeries, conditioning_series
from pipeline.results.table import Results
from pipeline.stages.committed_suites import COMPARISONS, CommittedSuites

METRICS = paths.METRICS.with_suffix("")
"""The metrics files of DVC, one for each model on each task: `dvc metrics show` makes a row of each file."""
CONTROL = "control"
SHOWN = ("nats", "bits_per_dim", "frechet", "precision", "recall")
"""The metrics in these files, so few that the table fits a terminal; results.csv has all."""


def main() -> None:
    """Everything is made before anything is written, so that a fault leaves the last report as it was.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or the tasks of a conditioning
            series hold different images.
    """
    params = load()
    found = benchmark.read(params)
    committed = CommittedSuites(params, found.outcomes)
    series = conditioning_series(params, found.outcomes)
    verdicts = claims.judged(found.results.trained)
    default = {name for name, suite in params.suites.items() if suite.default}
    cells = {cell for suite in params.selected().values() for cell in suite.cells()}
    with atomic_dir(paths.FIGURES) as folder:
        figures.draw_answer([board for board in found.boards if board.suite in default], folder)
        pictures = {(board.suite, board.task): figures.draw(board, folder) for board in found.boards}
        sections = {of.suite: _section(of, figures.draw_series(of, folder), of.suite in default) for of in series}
        pages = leaderboard_md.pages(found.boards, default, pictures, sections, committed.tables())
        committed.copy_figures(folder)
        drawn = {picture.name for picture in folder.iterdir()}
        results = committed.results(found.results.csv())
        measured = reproduction.frame(results)
        reproduced = [(one, reproduction.reproductions(one.numbers, measured, params)) for one in published.read()]
        html = document.text(params, found.boards, series, verdicts, reproduced)
    _write(document.PATH, html)
    standings = committed.boards(leaderboard_csv.csv(found.boards), paths.LEADERBOARD_CSV)
    pairs = committed.boards(leaderboard_csv.pairs(found.boards), COMPARISONS)
    _write(paths.RESULTS, results)
    with atomic_dir(METRICS) as folder:
        for name, numbers in headlines(found.results, cells).items():
            files.write_json(folder / f"{name}.json", numbers)
    _write(paths.LEADERBOARD_CSV, standings)
    with atomic_dir(leaderboard_md.FOLDER) as folder:
        for path, text in pages.items():
            if path.parent == leaderboard_md.FOLDER:
                (folder / path.name).write_text(text, encoding="utf-8")
        committed.copy_leaderboards(folder)
    _write(paths.LEADERBOARD_MD, pages[paths.LEADERBOARD_MD])
    _write(COMPARISONS, pairs)
    _write(published_md.PATH, published_md.as_markdown(reproduced))
    _write(claims.JSON, claims.as_json(verdicts, drawn))
    _write(claims.MARKDOWN, claims.as_markdown(verdicts, drawn))
    _write(answer_md.PATH, answer_md.as_markdown(claims.records(verdicts), claims.CATALOGUE))
    for line in committed.sentences():
        print(line)


def headlines(results: Results, cells: Container[Cell]) -> dict[str, dict[str, float]]:
    """<task>-<model> -> the mean over the seeds of `cells` of each metric in `SHOWN`, of all models but controls."""
    frame = results.trained.frame
    controls = set(frame.loc[frame["family"] == CONTROL, "model"])
    return {
        f"{task}-{model}": {name: numbers[name] for name in SHOWN if name in numbers}
        for task, models in results.means(cells).items()
        for model, numbers in models.items()
        if model not in controls and not numbers.keys().isdisjoint(SHOWN)
    }


def _section(series: ConditioningSeries, picture: Path | None, default: bool) -> str:
    found = richer_conditions.verdicts(series)
    words = {model: verdict.word for model, verdict in found.items()}
    return leaderboard_md.series_section(series, picture, words, richer_conditions.sentence(found), default)


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
