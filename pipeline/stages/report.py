"""`coverseek report`: measured cells and scored files -> tables, claims, the answer, figures, leaderboard.md,
published.md, index.html.

All of it is made of one list of outcomes: the cells that were measured in this folder, and those that an earlier run
measured and committed (`committed_cells`). Of the latter there are numbers, and the pictures of samples and of training
curves that were committed with them.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from pipeline import files, paths
from pipeline.claims import answer_md, richer_conditions
from pipeline.claims import claims_md as claims
from pipeline.files import atomic_dir, atomic_write
from pipeline.html import document
from pipeline.params import Params, load
from pipeline.paths import Cell
from pipeline.report import figures, leaderboard_csv, leaderboard_md, published_md
from pipeline.report.benchmark import Benchmark
from pipeline.results import published, record, reproduction, task_facts
from pipeline.results.conditioning import ConditioningSeries, conditioning_series
from pipeline.results.table import Results
from pipeline.stages import committed_cells

COMPARISONS = paths.RESULTS.with_name("comparisons.csv")
CONTROL = "control"
SHOWN = ("nats", "bits_per_dim", "frechet", "precision", "recall")
"""The metrics in the files of DVC, so few that the table fits a terminal; results.csv has all."""


def main() -> None:
    """Everything is made before anything is written, so that a fault leaves the last report as it was.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or the tasks of a conditioning
            series hold different images.
    """
    params = load()
    found, committed = committed_cells.read(params)
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
        frame = found.results.frame
        reproduced = [(one, reproduction.reproductions(one.numbers, frame, params)) for one in published.read()]
        html = document.text(params, found.boards, series, verdicts, reproduced)
    last = files.read_utf8(COMPARISONS, "coverseek report") if COMPARISONS.exists() else ""
    standings, pairs = leaderboard_csv.csv(found.boards), leaderboard_csv.pairs(found.boards, last)
    _write(document.PATH, html)
    for path, text in _record(params, found).items():
        _write(path, text)
    with atomic_dir(paths.DVC_METRICS) as folder:
        for name, numbers in headlines(found.results, cells).items():
            files.write_json(folder / f"{name}.json", numbers)
    _write(paths.LEADERBOARD_CSV, standings)
    with atomic_dir(leaderboard_md.FOLDER) as folder:
        for path, text in pages.items():
            if path.parent == leaderboard_md.FOLDER:
                (folder / path.name).write_text(text, encoding="utf-8")
    _write(paths.LEADERBOARD_MD, pages[paths.LEADERBOARD_MD])
    _write(COMPARISONS, pairs)
    _write(published_md.PATH, published_md.as_markdown(reproduced))
    _write(claims.JSON, claims.as_json(verdicts, drawn))
    _write(claims.MARKDOWN, claims.as_markdown(verdicts, drawn))
    _write(answer_md.PATH, answer_md.as_markdown(claims.records(verdicts), claims.CATALOGUE))
    for line in committed.sentences():
        print(line)


def _record(params: Params, found: Benchmark) -> dict[Path, str]:
    """The files that the numbers of this report are read from when its artifacts are not there."""
    tasks = dict.fromkeys(o.cell.task for o in found.outcomes if o.status != "failed")
    series = {task for suite in params.suites.values() for task in suite.conditioning}
    known = (task_facts.facts(task, images=task in series) for task in tasks)
    return {
        paths.RESULTS: found.results.csv(),
        record.CELLS: record.cells_csv(found.outcomes),
        record.KNOBS: record.knobs_csv(found.outcomes),
        task_facts.TASKS: task_facts.as_csv(facts for facts in known if facts),
    }


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
