"""`coverseek report --format`: the report's tables on stdout. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.errors import UserError, suggest
from pipeline.params import load
from pipeline.report import benchmark, export
from pipeline.report.board import Board

FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "markdown": export.as_markdown,
    "latex": export.as_latex,
    "csv": export.as_csv,
}


def main(form: str, task: str | None) -> None:
    """Print the tables of one task or all.

    Args:
        form: one of `FORMATS`.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or no board is of the task.
    """
    ranked = benchmark.read(load()).boards
    tasks = list(dict.fromkeys(board.task for board in ranked))
    if task is not None and task not in tasks:
        raise UserError(f"task {task!r} is not measured; {suggest(task, tasks)}")
    print(FORMATS[form]([board for board in ranked if task in (None, board.task)]), end="")
