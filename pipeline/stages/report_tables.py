"""`coverseek report --format`: the tables of the leaderboard on stdout. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pipeline.errors import UserError, suggest
from pipeline.params import load
from pipeline.report import committed_rows, leaderboard_csv, leaderboard_md, tables
from pipeline.report.leaderboard import Board
from pipeline.report.tables import Kind
from pipeline.stages import committed_cells
from pipeline.table_formats import emphasised_markdown, latex

READ = "Bold: the best model of a column; in italics: controls"
TITLES: dict[Kind, str] = {"quality": "quality", "cost": "cost"}
PACKAGES = "% \\usepackage{booktabs}, \\usepackage{graphicx} and \\usepackage{xcolor}; UTF-8\n"


def main(form: str, task: str | None) -> None:
    """Print the tables of one task or all.

    Args:
        form: one of `FORMATS`.

    Raises:
        UserError: nothing is measured, a file is damaged, a column holds two protocols, or no board is of the task.
    """
    ranked = committed_cells.read(load())[0].boards
    tasks = list(dict.fromkeys(board.task for board in ranked))
    if task is not None and task not in tasks:
        raise UserError(f"task {task!r} is not measured; {suggest(task, tasks)}")
    print(FORMATS[form]([board for board in ranked if task in (None, board.task)]), end="")


def as_markdown(boards: Sequence[Board]) -> str:
    return "\n".join(
        f"**{_title(board, kind)}**\n\n{emphasised_markdown(tables.columns(board, kind))}\n\n{_note(board, kind)}\n"
        for board, kind in _tables(boards)
    )


def as_latex(boards: Sequence[Board]) -> str:
    found = (
        latex(tables.columns(board, kind), f"{_title(board, kind)}. {_note(board, kind)}", _label(board, kind))
        for board, kind in _tables(boards)
    )
    return PACKAGES + "\n\n".join(found) + "\n"


FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "markdown": as_markdown,
    "latex": as_latex,
    "csv": leaderboard_csv.csv,
}


def _tables(boards: Sequence[Board]) -> Iterator[tuple[Board, Kind]]:
    return ((board, kind) for board in boards if board.measured for kind in TITLES if tables.metrics(board, kind))


def _title(board: Board, kind: Kind) -> str:
    return f"{board.suite}, {board.task}: {TITLES[kind]}"


def _label(board: Board, kind: Kind) -> str:
    return f"tab:{board.suite}-{board.task}-{kind}"


def _note(board: Board, kind: Kind) -> str:
    notes = (
        READ,
        leaderboard_md.intervals(board, kind),
        leaderboard_md.blind(board, kind),
        leaderboard_md.not_converged(board, kind),
        committed_rows.sentence(board),
    )
    return ". ".join(filter(None, notes)) + "."
