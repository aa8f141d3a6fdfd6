"""The boards' tables to be taken elsewhere: into a page, a paper, a program. The same numbers as leaderboard.md."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report import latex, leaderboard_csv, page
from pipeline.report.board import Board
from pipeline.report.tabular import Kind, columns, metrics

READ = "Bold: the best model of a column; in italics: controls"
TABLES: dict[Kind, str] = {"quality": "quality", "cost": "what it costs"}


def as_markdown(boards: Sequence[Board]) -> str:
    parts = (
        f"**{_title(board, kind)}**\n\n{page.table(columns(board, kind))}\n\n{_note(board, kind)}\n"
        for board, kind in _tables(boards)
    )
    return "\n".join(parts)


def as_latex(boards: Sequence[Board]) -> str:
    head = "% \\usepackage{booktabs}, \\usepackage{graphicx} and \\usepackage{xcolor}; UTF-8\n"
    return head + "\n\n".join(_latex(board, kind) for board, kind in _tables(boards)) + "\n"


def as_csv(boards: Sequence[Board]) -> str:
    """As leaderboard.csv."""
    return leaderboard_csv.csv(boards)


def _latex(board: Board, kind: Kind) -> str:
    caption = f"{_title(board, kind)}. {_note(board, kind)}"
    return latex.table(columns(board, kind), caption, f"tab:{board.suite}-{board.task}-{kind}")


def _tables(boards: Sequence[Board]) -> list[tuple[Board, Kind]]:
    return [(board, kind) for board in boards if board.measured for kind in TABLES if metrics(board, kind)]


def _title(board: Board, kind: Kind) -> str:
    return f"{board.suite}, {board.task}: {TABLES[kind]}"


def _note(board: Board, kind: Kind) -> str:
    return ". ".join(filter(None, (READ, page.intervals(board, kind), page.blind(board, kind)))) + "."
