"""Committed results of suites that have not run in this folder: a report keeps them as they are.

A fresh clone has the tables and figures of all suites, and no artifacts. A run of the default suites there makes a
report of what it measured; the tables, figures and rows of the other suites would vanish from it. A suite stays if it
is not shown (`results.outcomes.shown`: no cell of its own has run here), the last report has it, and dvc.lock records
all its own cells with the settings of today. Rows of cells that it shares with a suite that ran are those measured
here.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.report import leaderboard_md
from pipeline.results.outcomes import Outcome, shown
from pipeline.stages.plan import at, is_same_setting
from pipeline.tracking import dvc_lock

COMPARISONS = paths.RESULTS.with_name("comparisons.csv")


class CommittedSuites:
    """What the last report has of suites that stay as committed.

    Attributes:
        names: the suites.
        dropped: suites that the last report has and that do not stay.
    """

    def __init__(self, params: Params, outcomes: Iterable[Outcome]) -> None:
        outcomes = list(outcomes)
        absent = [name for name in params.suites if name not in shown(params, outcomes)]
        reported = {row["suite"] for row in _rows(paths.LEADERBOARD_CSV) if "suite" in row}
        candidates = [name for name in absent if name in reported]
        default = {cell for suite in params.selected().values() for cell in suite.cells()}
        own = {name: {*params.suites[name].cells()} - default for name in candidates}
        recorded = _recorded({cell for cells in own.values() for cell in cells})
        self.names = [name for name in candidates if own[name] <= recorded]
        self.dropped = [name for name in candidates if name not in self.names]
        self._suites = params.suites
        self._order = {_cell(cell): index for index, cell in enumerate(params.cells)}
        there = {_cell(outcome.cell) for outcome in outcomes}
        self._cells = {_cell(cell) for name in self.names for cell in own[name]} - there

    def results(self, text: str) -> str:
        """results.csv with the rows of their cells, in the order of params.yaml; external models stay last."""
        last = len(self._order)
        return _merge(
            text, paths.RESULTS,
            lambda row: (row.get("task"), row.get("model"), row.get("seed")) in self._cells,
            lambda row: self._order.get((row["task"], row["model"], row["seed"]), last),
        )  # fmt: skip

    def boards(self, text: str, path: Path) -> str:
        """leaderboard.csv or comparisons.csv with their rows, in the order of params.yaml."""
        order = list(self._suites)
        return _merge(text, path, lambda row: row.get("suite") in self.names, lambda row: order.index(row["suite"]))

    def copy_figures(self, folder: Path) -> None:
        """Copy their figures, which are named <suite>-<task>-<picture>.png, to a folder."""
        self._copy(paths.FIGURES.glob("*-*.png"), folder)

    def copy_leaderboards(self, folder: Path) -> None:
        """Copy their files of reports/leaderboards to a folder."""
        self._copy(leaderboard_md.FOLDER.glob("*.md"), folder)

    def tables(self) -> list[str]:
        """Those that have a file in reports/leaderboards."""
        return [name for name in self.names if (leaderboard_md.FOLDER / f"{name}.md").exists()]

    def sentences(self) -> list[str]:
        """Which suites stay and which do not, a line each; `names` in full are in leaderboard.md."""
        committed = f"Suites kept as committed, for they have not run here: {_some(self.names)}."
        dropped = f"Suites left out, for their settings changed or {paths.LOCK} lacks them: {_some(self.dropped)}."
        return ([committed] if self.names else []) + ([dropped] if self.dropped else [])

    def _copy(self, found: Iterable[Path], folder: Path) -> None:
        for path in sorted(found):
            if path.stem.partition("-")[0] in self.names and not (folder / path.name).exists():
                shutil.copyfile(path, folder / path.name)


def _some(names: Sequence[str]) -> str:
    """'a, b, c and 4 others'"""
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} others" if rest > 0 else "")


def _cell(cell: Cell) -> tuple[str, str, str]:
    return cell.task, cell.model, str(cell.seed)


def _recorded(cells: set[Cell]) -> set[Cell]:
    """The cells that dvc.lock records with the settings of plan/parameters.json; the code may be older."""
    if not cells:
        return set()
    try:
        stages, current = dvc_lock.read().stages, files.read_json(paths.PARAMETERS, "coverseek plan")
    except UserError:
        return set()
    return {cell for cell in cells if all(_same(stages, current, f"{kind}@{cell.key}") for kind in dvc_lock.STAGES)}


def _same(stages: Mapping[str, Any], current: Mapping[str, Any], name: str) -> bool:
    hashes = stages.get(name, {}).get("params", {}).get(paths.PARAMETERS.as_posix(), {})
    return bool(hashes) and all(is_same_setting(str(value), at(current, key)) for key, value in hashes.items())


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, csv.Error):
        return []


def _merge(
    text: str, path: Path, is_chosen: Callable[[dict[str, str]], bool], place: Callable[[dict[str, str]], int]
) -> str:
    """The rows of `text`, and the chosen ones of the file; `text` itself where none is."""
    committed = [row for row in _rows(path) if is_chosen(row)]
    if not committed:
        return text
    made = csv.DictReader(io.StringIO(text))
    rows = sorted([*made, *committed], key=place)
    columns = list(dict.fromkeys([*(made.fieldnames or ()), *committed[0]]))
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()
