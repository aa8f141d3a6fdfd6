"""The pictures of reports/figures: charts and sheets of each board, conditioning series, and the answer of them all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pipeline import paths
from pipeline.report import condition_sheets, sample_sheets
from pipeline.report.answer import answer
from pipeline.report.charts import (
    answer_chart,
    conditioning_chart,
    cost_chart,
    matched_curves,
    objective_curves,
    precision_recall_plane,
    training_curves,
)
from pipeline.report.charts.chart import Chart
from pipeline.report.leaderboard import Board
from pipeline.results.conditioning import ConditioningSeries

PICTURES: dict[str, Callable[[Board], Figure | Chart | None]] = {
    "samples": sample_sheets.draw_samples,
    "conditions": condition_sheets.draw_conditions,
    "plane": precision_recall_plane.draw,
    "objectives": objective_curves.draw,
    "cost": cost_chart.draw,
    "matched": matched_curves.draw,
    "latent": sample_sheets.draw_latent_planes,
    "curves": training_curves.draw,
}
"""Name -> what draws it; None where a board has nothing to show."""
OF_SAMPLES, OF_CURVES = frozenset({"samples", "conditions", "latent"}), frozenset({"curves"})
"""Pictures of artifacts. The others show numbers alone."""


def draw(board: Board, folder: Path) -> list[Path]:
    """Write into `folder`; the figures' paths once `folder` is `paths.FIGURES`.

    None of a board that is not measured: its task may not even be prepared. The pictures of `kept` are copied.
    """
    if not board.measured:
        return []
    with sample_sheets.fixed_settings():
        drawn = [_draw(board, picture, folder) for picture in PICTURES]
    return [path for path in drawn if path]


def _draw(board: Board, picture: str, folder: Path) -> Path | None:
    path = paths.figure(board.suite, board.task, picture)
    if not _lacks(board, picture):
        return _save(PICTURES[picture](board), folder, path)
    if path.exists():
        shutil.copyfile(path, folder / path.name)
        return path
    some = any(standing.here for standing in board.standings)
    return _save(PICTURES[picture](board), folder, path) if some else None


def kept(board: Board) -> dict[str, Path]:
    """Name -> picture, of those that stay as an earlier run drew them: they show samples or curves of cells that were
    not measured in this folder."""
    found = {picture: paths.figure(board.suite, board.task, picture) for picture in PICTURES if _lacks(board, picture)}
    return {picture: path for picture, path in found.items() if path.exists()}


def _lacks(board: Board, picture: str) -> bool:
    """Whether artifacts that the picture shows are not in this folder."""
    if picture in OF_SAMPLES | OF_CURVES and not any(standing.here for standing in board.standings):
        return True
    models = [standing for standing in board.standings if standing.role == "model" and standing.cells]
    if picture in OF_SAMPLES:
        return any(standing.first is None for standing in models)
    return picture in OF_CURVES and any(standing.committed for standing in models)


def draw_series(series: ConditioningSeries, folder: Path) -> Path | None:
    """Like `draw`, of a conditioning series."""
    return _save(conditioning_chart.draw(series), folder, paths.series_figure(series.suite))


def draw_answer(boards: Sequence[Board], folder: Path) -> Path | None:
    """The picture of the page's first screen, from the boards of the default suites."""
    return _save(answer_chart.draw(answer(boards)), folder, paths.FIGURES / "answer.png")


def _save(drawn: Figure | Chart | None, folder: Path, path: Path) -> Path | None:
    if drawn is None:
        return None
    if isinstance(drawn, Chart):
        (folder / path.name).write_bytes(drawn.png())
    else:
        sample_sheets.save(drawn, folder / path.name)
    return path
