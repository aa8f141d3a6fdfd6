"""`coverseek leaderboard`: the last report's leaderboard on a terminal. Reads one csv, imports nothing heavy."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Sequence
from itertools import groupby

from rich.console import Console

from pipeline import paths, table_formats
from pipeline.errors import UserError, suggest
from pipeline.report.row_labels import family_label
from pipeline.results.column import DASH, LIKELIHOODS, bound, column

Row = dict[str, str]
METRICS = (
    *("frechet", "precision", "recall", "coverage", "modes_hit"),
    *("class_accuracy", "box_iou", "segmentation_miou", "luma_error", "conditional_diversity"),
    *("parameters", "train_seconds"),
)
NUMBERS = ("_mean", "_low", "_high")
"""How the names of columns end that hold numbers."""
WORDS = ("model", "family", "trust", "kind")
DISPENSABLE = ("family", *(column(name).title for name in reversed(METRICS)))
"""Titles, in the order in which a narrow terminal omits them."""
PIPE_WIDTH = 140
"""Columns to write where the output is no terminal."""


def main(task: str | None) -> None:
    """Print all tasks, or one.

    Raises:
        UserError: there is no report yet, it is damaged, or the task is not in it.
    """
    render(task)


def render(task: str | None, suites: Collection[str] | None = None) -> None:
    """Print the tables of one task or all, of some suites or all, and say where the others are."""
    rows = read_leaderboard()
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    if task is not None and task not in tasks:
        raise UserError(f"task {task!r} is not in {paths.LEADERBOARD_CSV}; {suggest(task, tasks)}")
    console = table_formats.console(PIPE_WIDTH)
    shown = [row for row in rows if task in (None, row["task"]) and (suites is None or row["suite"] in suites)]
    others = dict.fromkeys(row["suite"] for row in rows if suites is not None and row["suite"] not in suites)
    for (suite, name), group in groupby(shown, key=lambda row: (row["suite"], row["task"])):
        _print(console, f"{suite}: {name}", list(group))
    where = f"{paths.LEADERBOARD_MD}; figures: {paths.FIGURES}/"
    console.print(f"Means over seeds, ± half of the 95 % t interval. All intervals, ranks and protocols: {where}",
                  style="dim", soft_wrap=True)  # fmt: skip
    if others:
        console.print(f"Of other suites ({', '.join(others)}): coverseek leaderboard", style="dim", soft_wrap=True)


def read_leaderboard() -> list[Row]:
    """The rows of leaderboard.csv. Raises `UserError` where it is missing or damaged."""
    try:
        with paths.LEADERBOARD_CSV.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        hint = "coverseek run, or coverseek report"
        raise UserError(f"{paths.LEADERBOARD_CSV} is missing; make it with: {hint}") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or not {"suite", "task", "model", "family", "role", "seeds", "status"} <= rows[0].keys():
        raise UserError(f"{paths.LEADERBOARD_CSV} is damaged; make it again with: coverseek report")
    for line, row in enumerate(rows, start=2):
        if not _fits(row):
            raise UserError(f"{paths.LEADERBOARD_CSV} is damaged (row {line}); make it again with: coverseek report")
    return rows


def _fits(row: Row) -> bool:
    """Whether each column has a cell, and each number is one. Not with a schema: pydantic's import takes longer
    than all that this command does."""
    if None in row or None in row.values():
        return False
    try:
        return all(math.isfinite(float(text)) for name, text in row.items() if text and name.endswith(NUMBERS))
    except ValueError:
        return False


def _print(console: Console, title: str, rows: Sequence[Row]) -> None:
    columns = _columns(rows)
    hidden = _narrow(columns, console.width)
    table = table_formats.terminal_table(title)
    blind = [column(metric).title for metric in rows[0].get("blind", "").split() if column(metric).title in columns]
    for head in columns:
        style = "dim" if head in blind else ""
        table.add_column(head, justify="left" if head in WORDS else "right", no_wrap=True, style=style)
    for row, cells in zip(rows, zip(*columns.values(), strict=True), strict=True):
        table.add_row(*cells, style="dim" if row["role"] == "control" else "")
    console.print(table)
    if blind:
        console.print(f"Blind on this task (the controls score alike): {', '.join(blind)}", style="dim", soft_wrap=True)
    if rising := [row["model"] for row in rows if row.get("not_converged")]:
        console.print(f"Not converged when training ended: {', '.join(rising)}", style="dim", soft_wrap=True)
    for row in rows:
        if row["status"] != "ok":
            console.print(f"{row['model']}: {row['status']}", style="red", soft_wrap=True)
    if hidden:
        console.print(f"A wider terminal also shows: {', '.join(hidden)}", style="dim", soft_wrap=True)


def _columns(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Title -> cells; what no row has is left out."""
    trust = ("trust",) if any(row["role"] == "external" for row in rows) else ()
    columns = {head: [row.get(head, "") for row in rows] for head in ("model", "family", *trust, "seeds")}
    images = _present(rows, "bits_per_dim")
    columns["family"] = [family_label(row["model"], row.get("family", ""), images) for row in rows]
    for name in LIKELIHOODS:
        if _present(rows, name):
            columns[column(name).title] = [mean_and_interval(row, name) for row in rows]
            columns["kind"] = [bound(row.get(f"{name}_kind", "")) or DASH for row in rows]
    for name in METRICS:
        if _present(rows, name):
            columns[column(name).title] = [_mean(row, name) for row in rows]
    return columns


def _narrow(columns: dict[str, list[str]], width: int) -> list[str]:
    """Take columns away until the others fit; the titles of those taken."""
    taken = []
    for head in DISPENSABLE:
        if 2 + sum(2 + max(map(len, (title, *cells))) for title, cells in columns.items()) <= width:
            break
        if columns.pop(head, None):
            taken.append(head)
    return taken


def _present(rows: Sequence[Row], metric: str) -> bool:
    return any(row.get(f"{metric}_mean") for row in rows)


def _mean(row: Row, metric: str) -> str:
    mean = row.get(f"{metric}_mean")
    return column(metric).text(float(mean)) if mean else DASH


def mean_and_interval(row: Row, metric: str) -> str:
    """'1.747 ± 0.004', or '1.47 [1.14, 1.88]' of a metric on the log scale; a dash where the row has no mean."""
    mean, low, high = (float(text) if (text := row.get(f"{metric}_{end}")) else None for end in ("mean", "low", "high"))
    style = column(metric)
    return DASH if mean is None else style.spread(mean, low, high, style.log)
